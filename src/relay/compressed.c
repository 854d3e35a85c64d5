/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compression of a connection; see compressed.h. */
#include <readmux/relay/compressed.h>

struct compressed_shared {
	struct codec *codec;
	uint8_t       room[COMPRESSION_ROOM];
};

struct compressed {
	struct stream_filter  filter;
	struct compression    compression;
	const struct log_ctx *log;
};

static struct compressed *compressed_from(struct stream_filter *filter)
{
	return container_of(filter, struct compressed, filter);
}

static size_t encode(struct stream_filter *filter, struct span plain, bool more,
		     struct span *coded)
{
	return compression_encode(&compressed_from(filter)->compression, plain, more, coded);
}

static bool decode(struct stream_filter *filter, struct span *coded, uint8_t *into,
		   size_t room, size_t *got)
{
	struct compressed *c = compressed_from(filter);

	if (compression_decode(&c->compression, coded, into, room, got))
		return true;
	log_info(c->log, "broken compression", LOG_TEXT("problem", c->compression.problem),
		 LOG_TEXT("from", c->compression.side == COMPRESSION_AS_SERVER ?
			  "client" : "server"));
	return false;
}

static void release(struct stream_filter *filter)
{
	struct compressed *c = compressed_from(filter);

	compression_clear(&c->compression);
	free(c);
}

static const struct stream_filter_ops ops = {
	.encode = encode,
	.decode = decode,
	.release = release,
};

/* Made when the first connection of a worker needs it. */
static struct compressed_shared *shared_of(struct relay_env *env)
{
	struct compressed_shared *shared = env->compressed;

	if (shared != NULL)
		return shared;
	shared = malloc(sizeof(*shared));
	if (shared == NULL)
		return NULL;
	shared->codec = codec_new();
	if (shared->codec == NULL) {
		free(shared);
		return NULL;
	}
	env->compressed = shared;
	return shared;
}

void compressed_free_shared(struct compressed_shared *shared)
{
	if (shared == NULL)
		return;
	codec_free(shared->codec);
	free(shared);
}

bool compressed_start(struct relay_env *env, struct stream *s, struct login_terms terms,
		      enum compression_side side, const struct log_ctx *log)
{
	enum codec_algorithm algorithm = compression_agreed(terms.capabilities);
	struct compressed_shared *shared;
	struct compressed *c;

	if (algorithm == CODEC_NONE)
		return true;
	shared = shared_of(env);
	c = shared != NULL ? malloc(sizeof(*c)) : NULL;
	if (c == NULL)
		return false;
	c->filter = (struct stream_filter){ .ops = &ops };
	c->log = log;
	compression_init(&c->compression, shared->codec, shared->room, algorithm,
			 terms.zstd_level, side);
	stream_set_filter(s, &c->filter);
	return true;
}

void compressed_answer(struct stream *s)
{
	if (s->filter != NULL)
		compression_answer(&compressed_from(s->filter)->compression);
}

void compressed_expect(struct stream *s, bool sent)
{
	if (s->filter != NULL)
		compression_expect(&compressed_from(s->filter)->compression, sent);
}

uint8_t compressed_renumber(struct stream *s, struct span bytes)
{
	struct compression *c = &compressed_from(s->filter)->compression;

	compression_renumber(c, (uint8_t *)(uintptr_t)bytes.data, bytes.len);
	return c->received.last.seq;
}

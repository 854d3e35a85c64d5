/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A locked queue and an eventfd; see mailbox.h. */
#include <readmux/net/mailbox.h>

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

STAILQ_HEAD(letter_queue, letter);

struct mailbox {
	struct watch        watch;
	mailbox_fn         *arrived;
	void               *arg;
	pthread_mutex_t     lock;
	struct letter_queue letters;
};

static void deliver(struct mailbox *box)
{
	struct letter_queue batch = STAILQ_HEAD_INITIALIZER(batch);
	struct letter *letter;

	pthread_mutex_lock(&box->lock);
	STAILQ_CONCAT(&batch, &box->letters);
	pthread_mutex_unlock(&box->lock);
	while ((letter = STAILQ_FIRST(&batch)) != NULL) {
		STAILQ_REMOVE_HEAD(&batch, next);
		box->arrived(box->arg, letter);
	}
}

static void mailbox_readable(void *arg, unsigned what)
{
	struct mailbox *box = arg;
	uint64_t count;
	ssize_t got = read(box->watch.fd, &count, sizeof(count));

	(void)what;
	(void)got;		/* EAGAIN: somebody else's wake-up was enough */
	deliver(box);
}

struct mailbox *mailbox_new(struct loop *loop, mailbox_fn *arrived, void *arg)
{
	struct mailbox *box = calloc(1, sizeof(*box));
	int fd;

	if (box == NULL)
		return NULL;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		goto no_fd;
	if (!watch_init(&box->watch, loop, fd, mailbox_readable, box))
		goto no_watch;
	box->arrived = arrived;
	box->arg = arg;
	STAILQ_INIT(&box->letters);
	pthread_mutex_init(&box->lock, NULL);
	watch_set(&box->watch, WATCH_READ);
	return box;

no_watch:
	(void)close(fd);
no_fd:
	free(box);
	return NULL;
}

void mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	deliver(box);
	watch_clear(&box->watch);
	(void)close(box->watch.fd);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
	uint64_t one = 1;
	bool first;
	ssize_t put;

	pthread_mutex_lock(&box->lock);
	first = STAILQ_EMPTY(&box->letters);
	STAILQ_INSERT_TAIL(&box->letters, letter, next);
	pthread_mutex_unlock(&box->lock);
	if (!first)
		return;		/* whoever posted the first one woke the loop */
	put = write(box->watch.fd, &one, sizeof(one));
	(void)put;		/* EAGAIN: the counter is full, so it is awake */
}

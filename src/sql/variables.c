/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System variables and system tables whose content is not the same on every
 * server; see variables.h.  The rest, such as @@server_id, @@hostname and
 * @@version, is a plain read: what differs there tells only which server
 * answered.
 */
#include "variables.h"

/* <name> is a whole name, or with a * at its end a beginning. */
static bool name_matches(struct span text, const char *name)
{
	struct span want = span_of(name);

	if (want.len > 0 && want.data[want.len - 1] == '*')
		return span_equal_nocase(span_head(text, want.len - 1),
					 span_head(want, want.len - 1));
	return span_equal_nocase(text, want);
}

static const struct {
	const char           *name;
	enum variable_meaning meaning;
} variable_rows[] = {
	{ "last_insert_id",      VARIABLE_INSERT_ID },
	{ "identity",            VARIABLE_INSERT_ID },
	{ "warning_count",       VARIABLE_PREVIOUS },
	{ "error_count",         VARIABLE_PREVIOUS },
	{ "last_gtid",           VARIABLE_PREVIOUS },
	{ "pseudo_thread_id",    VARIABLE_CONNECTION_ID },
	{ "session_track_*",     VARIABLE_TRACKER },
	{ "readmux_*",           VARIABLE_READMUX },
	{ "read_only",           VARIABLE_ROLE },
	{ "super_read_only",     VARIABLE_ROLE },
	{ "innodb_read_only",    VARIABLE_ROLE },
	{ "offline_mode",        VARIABLE_ROLE },
	{ "event_scheduler",     VARIABLE_ROLE },
	{ "gtid_*",              VARIABLE_ROLE },
	{ "log_bin*",            VARIABLE_ROLE },
	{ "log_slave_updates",   VARIABLE_ROLE },
	{ "log_replica_updates", VARIABLE_ROLE },
	{ "relay_log*",          VARIABLE_ROLE },
	{ "slave_*",             VARIABLE_ROLE },
	{ "replica_*",           VARIABLE_ROLE },
	{ "replicate_*",         VARIABLE_ROLE },
	{ "rpl_*",               VARIABLE_ROLE },
	{ "master_*",            VARIABLE_ROLE },
	{ "source_*",            VARIABLE_ROLE },
	{ "skip_slave_*",        VARIABLE_ROLE },
	{ "skip_replica_*",      VARIABLE_ROLE },
	{ "init_slave",          VARIABLE_ROLE },
	{ "init_replica",        VARIABLE_ROLE },
	{ "report_*",            VARIABLE_ROLE },
	{ "group_replication_*", VARIABLE_ROLE },
	{ "wsrep_*",             VARIABLE_ROLE },
};

enum variable_meaning variable_read(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(variable_rows); i++) {
		if (name_matches(name, variable_rows[i].name))
			return variable_rows[i].meaning;
	}
	return VARIABLE_PLAIN;
}

static const struct {
	const char          *name;
	enum variable_effect effect;
} effect_rows[] = {
	{ "sql_mode",             VARIABLE_SETS_LEXING },
	{ "character_set_client", VARIABLE_SETS_LEXING },
	{ "autocommit",           VARIABLE_SETS_COMMIT },
	{ "gtid_next",            VARIABLE_SETS_ONCE },
	{ "gtid_seq_no",          VARIABLE_SETS_ONCE },
	{ "insert_id",            VARIABLE_SETS_ONCE },
	{ "rand_seed*",           VARIABLE_SETS_ONCE },
	{ "timestamp",            VARIABLE_SETS_TIED },
	{ "pseudo_thread_id",     VARIABLE_SETS_TIED },
	{ "profiling",            VARIABLE_SETS_TIED },	/* it would list readmux's own statements */
};

enum variable_effect variable_set(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(effect_rows); i++) {
		if (name_matches(name, effect_rows[i].name))
			return effect_rows[i].effect;
	}
	return VARIABLE_SETS;
}

/* Parts of the names of variables and status counters that differ by role. */
static const char *const role_stems[] = {
	"read_only", "gtid", "log_bin", "binlog", "slave", "replica", "relay", "rpl",
	"master", "wsrep", "event_scheduler",
};

/* Or with a wildcard so early that it may. */
bool variable_pattern_is_tracker(struct span pattern)
{
	static const char name[] = "session_track_";

	for (size_t i = 0; i < sizeof(name) - 1 && i < pattern.len; i++) {
		if (pattern.data[i] == '%' || pattern.data[i] == '\\')
			return true;
		if (pattern.data[i] != '_' && (pattern.data[i] | 0x20) != (name[i] | 0x20))
			return false;
	}
	return pattern.len >= sizeof(name) - 1;
}

bool variable_pattern_is_role(struct span pattern)
{
	for (size_t at = 0; at < pattern.len; at++) {
		for (size_t i = 0; i < ARRAY_LEN(role_stems); i++) {
			if (span_starts_nocase(span_from(pattern, at), role_stems[i]))
				return true;
		}
	}
	return false;
}

/* The first row that matches decides. */
static const struct {
	enum sql_word      schema;
	const char        *table;
	enum table_meaning meaning;
} table_rows[] = {
	{ WORD_INFORMATION_SCHEMA, "profiling",          TABLE_PREVIOUS },
	{ WORD_INFORMATION_SCHEMA, "optimizer_trace",    TABLE_PREVIOUS },
	{ WORD_INFORMATION_SCHEMA, "events",             TABLE_OF_SERVER },	/* disabled on replicas */
	{ WORD_INFORMATION_SCHEMA, "processlist",        TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "innodb_*",           TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "global_*",           TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "system_variables",   TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "slave_*",            TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "user_statistics",    TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "client_statistics",  TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "index_statistics",   TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "table_statistics",   TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "metadata_lock_info", TABLE_OF_SERVER },
	{ WORD_INFORMATION_SCHEMA, "wsrep_*",            TABLE_OF_SERVER },
	{ WORD_PERFORMANCE_SCHEMA, "session_variables",  TABLE_PLAIN },
	{ WORD_PERFORMANCE_SCHEMA, "session_status",     TABLE_PLAIN },
	{ WORD_PERFORMANCE_SCHEMA, "*",                  TABLE_OF_SERVER },
	{ WORD_SYS,                "*",                  TABLE_OF_SERVER },
	{ WORD_MYSQL,              "general_log",        TABLE_OF_SERVER },
	{ WORD_MYSQL,              "slow_log",           TABLE_OF_SERVER },
	{ WORD_MYSQL,              "slave_*",            TABLE_OF_SERVER },
	{ WORD_MYSQL,              "gtid_*",             TABLE_OF_SERVER },
};

bool table_schema(enum sql_word schema)
{
	for (size_t i = 0; schema != WORD_NONE && i < ARRAY_LEN(table_rows); i++) {
		if (table_rows[i].schema == schema)
			return true;
	}
	return false;
}

enum table_meaning table_read(enum sql_word schema, struct span table)
{
	for (size_t i = 0; i < ARRAY_LEN(table_rows); i++) {
		if (table_rows[i].schema == schema &&
		    name_matches(table, table_rows[i].table))
			return table_rows[i].meaning;
	}
	return TABLE_PLAIN;
}

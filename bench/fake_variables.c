/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake_variables.h.  Names and values as on MariaDB 10.11. */
#include "fake_variables.h"

#define TEXT(name, value)    { name, FAKE_TEXT, false, value }
#define NUMBER(name, value)  { name, FAKE_NUMBER, false, value }
#define SWITCH(name, value)  { name, FAKE_SWITCH, false, value }
#define TRACKED(name, kind, value) { name, kind, true, value }

static struct fake_variable variables[] = {
	NUMBER("auto_increment_increment", "1"),
	NUMBER("auto_increment_offset", "1"),
	TRACKED("autocommit", FAKE_SWITCH, "ON"),
	TEXT("basedir", "/usr"),
	SWITCH("big_tables", "OFF"),
	TEXT("bind_address", "127.0.0.1"),
	TEXT("binlog_format", "MIXED"),
	TRACKED("character_set_client", FAKE_TEXT, "utf8mb4"),
	TRACKED("character_set_connection", FAKE_TEXT, "utf8mb4"),
	TEXT("character_set_database", "utf8mb4"),
	TRACKED("character_set_results", FAKE_TEXT, "utf8mb4"),
	TEXT("character_set_server", "utf8mb4"),
	TEXT("character_set_system", "utf8mb3"),
	TEXT("collation_connection", "utf8mb4_general_ci"),
	TEXT("collation_database", "utf8mb4_general_ci"),
	TEXT("collation_server", "utf8mb4_general_ci"),
	NUMBER("connect_timeout", "10"),
	TEXT("datadir", "/var/lib/mysql/"),
	TEXT("default_storage_engine", "InnoDB"),
	NUMBER("default_week_format", "0"),
	NUMBER("div_precision_increment", "4"),
	SWITCH("explicit_defaults_for_timestamp", "ON"),
	SWITCH("foreign_key_checks", "ON"),
	NUMBER("group_concat_max_len", "1048576"),
	TEXT("gtid_binlog_pos", ""),
	TEXT("gtid_binlog_state", ""),
	TEXT("gtid_current_pos", ""),
	NUMBER("gtid_domain_id", "0"),
	TEXT("gtid_slave_pos", ""),
	SWITCH("gtid_strict_mode", "OFF"),
	SWITCH("have_ssl", "OFF"),
	TEXT("hostname", "fake-0"),
	NUMBER("identity", "0"),
	TEXT("init_connect", ""),
	NUMBER("innodb_lock_wait_timeout", "50"),
	SWITCH("innodb_read_only", "OFF"),
	SWITCH("innodb_strict_mode", "ON"),
	NUMBER("insert_id", "0"),
	NUMBER("interactive_timeout", "28800"),
	NUMBER("join_buffer_size", "262144"),
	TEXT("last_gtid", ""),
	NUMBER("last_insert_id", "0"),
	TEXT("lc_messages", "en_US"),
	TEXT("lc_time_names", "en_US"),
	TEXT("license", "GPL"),
	SWITCH("local_infile", "ON"),
	NUMBER("lock_wait_timeout", "86400"),
	SWITCH("log_bin", "ON"),
	SWITCH("log_slave_updates", "OFF"),
	NUMBER("lower_case_table_names", "0"),
	NUMBER("max_allowed_packet", "67108864"),
	NUMBER("max_connections", "10000"),
	NUMBER("max_heap_table_size", "16777216"),
	NUMBER("max_join_size", "18446744073709551615"),
	NUMBER("max_prepared_stmt_count", "16382"),
	NUMBER("max_statement_time", "0.000000"),
	NUMBER("max_user_connections", "0"),
	NUMBER("net_buffer_length", "16384"),
	NUMBER("net_read_timeout", "30"),
	NUMBER("net_write_timeout", "60"),
	SWITCH("old_passwords", "OFF"),
	SWITCH("performance_schema", "OFF"),
	NUMBER("port", "3306"),
	SWITCH("profiling", "OFF"),
	NUMBER("protocol_version", "10"),
	TEXT("proxy_protocol_networks", ""),
	NUMBER("query_cache_size", "0"),
	TEXT("query_cache_type", "OFF"),
	SWITCH("read_only", "OFF"),
	TEXT("report_host", ""),
	NUMBER("server_id", "100"),
	TEXT("server_uid", "fakeserver"),
	SWITCH("session_track_schema", "ON"),
	SWITCH("session_track_state_change", "OFF"),
	TEXT("session_track_system_variables",
	     "autocommit,character_set_client,character_set_connection,"
	     "character_set_results,time_zone"),
	TEXT("session_track_transaction_info", "OFF"),
	SWITCH("skip_name_resolve", "ON"),
	TEXT("socket", "/run/mysqld/mysqld.sock"),
	NUMBER("sort_buffer_size", "2097152"),
	SWITCH("sql_auto_is_null", "OFF"),
	SWITCH("sql_big_selects", "ON"),
	SWITCH("sql_buffer_result", "OFF"),
	SWITCH("sql_log_bin", "ON"),
	TEXT("sql_mode",
	     "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,"
	     "NO_ENGINE_SUBSTITUTION"),
	SWITCH("sql_notes", "ON"),
	SWITCH("sql_quote_show_create", "ON"),
	SWITCH("sql_safe_updates", "OFF"),
	NUMBER("sql_select_limit", "18446744073709551615"),
	SWITCH("sql_warnings", "OFF"),
	TEXT("ssl_ca", ""),
	TEXT("storage_engine", "InnoDB"),
	NUMBER("sync_binlog", "0"),
	TEXT("system_time_zone", "UTC"),
	TRACKED("time_zone", FAKE_TEXT, "SYSTEM"),
	NUMBER("timestamp", "0.000000"),
	TEXT("tls_version", "TLSv1.2,TLSv1.3"),
	NUMBER("tmp_table_size", "16777216"),
	TEXT("tx_isolation", "REPEATABLE-READ"),
	SWITCH("tx_read_only", "OFF"),
	SWITCH("unique_checks", "ON"),
	TEXT("version", "10.11.9-MariaDB"),
	TEXT("version_comment", "readmux bench fake server"),
	TEXT("version_compile_machine", "x86_64"),
	TEXT("version_compile_os", "Linux"),
	TEXT("version_ssl_library", "none"),
	NUMBER("wait_timeout", "28800"),
};

struct fake_variable *fake_variable(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if (span_is_nocase(name, variables[i].name))
			return &variables[i];
	return NULL;
}

void fake_variable_set(const char *name, const char *value)
{
	struct fake_variable *v = fake_variable(span_of(name));

	assert(v != NULL);
	(void)span_copy(span_of(value), v->value, sizeof(v->value));
}

const struct fake_variable *fake_variable_at(size_t i)
{
	return i < ARRAY_LEN(variables) ? &variables[i] : NULL;
}

struct span fake_variable_selected(const struct fake_variable *v)
{
	if (v->kind == FAKE_SWITCH)
		return span_of(strcmp(v->value, "ON") == 0 ? "1" : "0");
	return span_of(v->value);
}

struct span fake_variable_shown(const struct fake_variable *v, struct span value)
{
	if (span_is_nocase(value, "default"))
		return span_of(v->value);
	if (v->kind != FAKE_SWITCH)
		return value;
	if (span_is_nocase(value, "1") || span_is_nocase(value, "true") ||
	    span_is_nocase(value, "on"))
		return SPAN_LITERAL("ON");
	return SPAN_LITERAL("OFF");
}

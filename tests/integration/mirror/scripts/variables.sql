# system variables, set in every way
SET sql_mode = 'ANSI_QUOTES'
SELECT @@sql_mode
SET SESSION sql_mode = ''
SELECT @@SESSION.sql_mode, @@session.sql_mode, @@local.sql_mode
SET LOCAL group_concat_max_len = 1000
SELECT @@group_concat_max_len
SET @@group_concat_max_len = 1001
SELECT @@group_concat_max_len
SET @@session.group_concat_max_len := 1002
SELECT @@group_concat_max_len
SET @@local.group_concat_max_len = 1003, @@SESSION.sql_select_limit = 7, time_zone = '+02:00'
SELECT @@group_concat_max_len, @@sql_select_limit, @@time_zone
SET sql_select_limit = DEFAULT
SELECT @@sql_select_limit
SET group_concat_max_len = @@group_concat_max_len + 1
SELECT @@group_concat_max_len
SET @saved = @@group_concat_max_len
SET group_concat_max_len = 2000
SET group_concat_max_len = @saved
SELECT @@group_concat_max_len, @saved
.reset_connection
SET group_concat_max_len = 1
SHOW WARNINGS
SELECT @@group_concat_max_len
SET group_concat_max_len = (SELECT 3000)
SELECT @@group_concat_max_len
.reset_connection
SET group_concat_max_len = 'text'
SET group_concat_max_len = 1.5
SET group_concat_max_len = NULL
SET no_such_variable = 1
SET @@no_such_variable = 1
SELECT @@no_such_variable
SET max_connections = 5
SET SESSION max_connections = 5
SET GLOBAL sql_mode = ''
SET PERSIST sql_mode = ''
SET @@global.sort_buffer_size = 1
SELECT @@GLOBAL.max_connections
SET version = 'x'
SET hostname = 'x'
SET autocommit = 5
SELECT @@autocommit
SET autocommit = OFF
SELECT @@autocommit
SET autocommit = 1
SET autocommit = 'ON'
SET autocommit = TRUE
SELECT @@autocommit
SET foreign_key_checks = 0, unique_checks = OFF
SELECT @@foreign_key_checks, @@unique_checks
SET foreign_key_checks = DEFAULT, unique_checks = DEFAULT
SELECT @@foreign_key_checks, @@unique_checks
SET sql_safe_updates = 1
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)
INSERT INTO t (v) VALUES (1), (2), (3)
UPDATE t SET v = 1
DELETE FROM t
SET sql_safe_updates = 0
UPDATE t SET v = v + 1
SET sql_select_limit = 2
SELECT * FROM t
SELECT * FROM t LIMIT 3
.prepare l SELECT * FROM t
.execute l
SET sql_select_limit = 1
.execute l
SET sql_select_limit = 18446744073709551615
SELECT * FROM t
.execute l
SET max_execution_time = 1000
SET max_statement_time = 10
SET max_join_size = 2
SELECT * FROM t a, t b ORDER BY a.id, b.id
SET sql_big_selects = 1
SELECT COUNT(*) FROM t a, t b
SET max_join_size = DEFAULT
SET auto_increment_increment = 10, auto_increment_offset = 5
INSERT INTO t (v) VALUES (10), (20)
SELECT * FROM t ORDER BY id
SET auto_increment_increment = 1, auto_increment_offset = 1
SET insert_id = 100
INSERT INTO t (v) VALUES (30)
SELECT LAST_INSERT_ID(), @@insert_id, @@last_insert_id, @@identity
SELECT * FROM t ORDER BY id
SET last_insert_id = 55
SELECT LAST_INSERT_ID()
SELECT @@last_insert_id, @@identity
SET identity = 66
SELECT LAST_INSERT_ID()
SET rand_seed1 = 10, rand_seed2 = 20
SELECT RAND(), RAND()
SELECT RAND()
.reset_connection
SET timestamp = 1000000000
SELECT NOW(), UNIX_TIMESTAMP()
SELECT NOW()
SET timestamp = 0
SELECT NOW() > '2020-01-01'
.reset_connection
SET lc_messages = 'de_DE'
SELECT nothing
SET lc_messages = 'en_US'
SELECT nothing
SET div_precision_increment = 8
SELECT 1 / 3
SET div_precision_increment = DEFAULT
SELECT 1 / 3
SET default_week_format = 3
SELECT WEEK('2024-01-01')
SET max_sort_length = 100, sort_buffer_size = 262144, join_buffer_size = 262144, tmp_table_size = 1000000
SELECT @@max_sort_length, @@sort_buffer_size, @@join_buffer_size, @@tmp_table_size
SET old_mode = ''
SET optimizer_switch = 'index_merge=off'
SELECT @@optimizer_switch LIKE '%index_merge=off%'
SET optimizer_switch = DEFAULT
# a MySQL replica makes the table with an engine of its own
SET default_storage_engine = MyISAM
CREATE TABLE e (a INT)
/* readmux: primary */ SHOW CREATE TABLE e
SET default_storage_engine = DEFAULT
SET storage_engine = InnoDB
SET block_encryption_mode = 'aes-256-cbc'
SELECT @@block_encryption_mode
SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 7, wait_timeout = 1000, interactive_timeout = 1001, net_read_timeout = 40, net_write_timeout = 41
SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@wait_timeout, @@interactive_timeout, @@net_read_timeout, @@net_write_timeout
SET max_allowed_packet = 1000000
SELECT @@max_allowed_packet
SET net_buffer_length = 1
SET sql_log_bin = 0
SELECT @@sql_log_bin
SET pseudo_thread_id = 5
.reset_connection
SET profiling = 0
SET sql_notes = 0
DROP TABLE IF EXISTS nowhere
SET sql_notes = 1
DROP TABLE IF EXISTS nowhere
SHOW WARNINGS
SET sql_warnings = 1
INSERT INTO t (v) VALUES (1), (2)
SET max_error_count = 1
SELECT CAST('a' AS SIGNED), CAST('b' AS SIGNED)
SHOW WARNINGS
SELECT @@warning_count
SET max_error_count = DEFAULT
SET sql_auto_is_null = 1
SELECT * FROM t WHERE id IS NULL
SET sql_auto_is_null = 0
.reset_connection
SET sql_quote_show_create = 0
/* readmux: primary */ SHOW CREATE TABLE e
SET sql_quote_show_create = 1
SET explicit_defaults_for_timestamp = 0
CREATE TABLE ts (a TIMESTAMP, b TIMESTAMP)
SHOW CREATE TABLE ts
SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED
mysql: SELECT @@transaction_isolation, @@transaction_read_only
mariadb: SELECT @@tx_isolation, @@tx_read_only
SET SESSION TRANSACTION READ ONLY
INSERT INTO t (v) VALUES (1)
SELECT COUNT(*) FROM t
SET SESSION TRANSACTION READ WRITE
INSERT INTO t (v) VALUES (1)
SET SESSION TRANSACTION ISOLATION LEVEL NONSENSE
mysql: SET transaction_isolation = 'SERIALIZABLE'
mariadb: SET tx_isolation = 'SERIALIZABLE'
SELECT COUNT(*) FROM t
mysql: SELECT @@transaction_isolation
mariadb: SELECT @@tx_isolation
mysql: SET SESSION sql_require_primary_key = 1
mysql: CREATE TABLE without_key (a INT)
mysql: SET sql_require_primary_key = 0
mysql: SET sql_generate_invisible_primary_key = 1
mysql: CREATE TABLE with_key (a INT)
mysql: SHOW CREATE TABLE with_key
mysql: SET sql_generate_invisible_primary_key = 0
mysql: SELECT /*+ SET_VAR(group_concat_max_len = 77) */ @@group_concat_max_len
mysql: SELECT @@group_concat_max_len
mysql: SET RESOURCE GROUP nonsense
mysql: SET ROLE NONE
mysql: SET DEFAULT ROLE NONE TO app
mysql: SELECT CURRENT_ROLE()
mysql: .reset_connection
mysql: SET default_collation_for_utf8mb4 = 'utf8mb4_general_ci'
mysql: SELECT @@default_collation_for_utf8mb4, COLLATION(_utf8mb4'x')
mysql: SET print_identified_with_as_hex = 1, show_create_table_verbosity = 1
mysql: /* readmux: primary */ SHOW CREATE TABLE e
mysql: SET group_replication_consistency = 'EVENTUAL'
mysql: SET gtid_next = 'AUTOMATIC'
mysql: .reset_connection
mariadb: SET STATEMENT group_concat_max_len = 77 FOR SELECT @@group_concat_max_len
mariadb: SELECT @@group_concat_max_len
mariadb: SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT 'a'
mariadb: SET ROLE NONE
mariadb: SELECT CURRENT_ROLE()
mariadb: .reset_connection
mariadb: SET gtid_domain_id = 5
mariadb: SET server_id = 5
mariadb: SET column_compression_threshold = 10
mariadb: SET system_versioning_asof = '2020-01-01 00:00:00'
mariadb: SELECT @@system_versioning_asof
mariadb: SET system_versioning_asof = DEFAULT
mariadb: SET skip_replication = 1
mariadb: .reset_connection
mariadb: SET character_set_collations = ''
mariadb: SET binlog_format = 'STATEMENT'
mariadb: SET rowid_merge_buff_size = 1000000
SET @@character_set_filesystem = latin1
SELECT @@character_set_filesystem
SHOW VARIABLES LIKE 'group_concat_max_len'
SHOW SESSION VARIABLES WHERE Variable_name = 'sql_mode'
SHOW GLOBAL VARIABLES LIKE 'sql_mode'
SHOW VARIABLES LIKE 'autocommit'
SET SESSION group_concat_max_len = 5000; SELECT @@group_concat_max_len
SELECT @@group_concat_max_len
.prepare v SET group_concat_max_len = ?
.execute v 6000
SELECT @@group_concat_max_len
.prepare v SELECT @@group_concat_max_len, @@sql_mode, @@time_zone
.execute v
.reset_connection
.prepare v SELECT @@group_concat_max_len, @@sql_mode, @@time_zone
.execute v
SELECT @@group_concat_max_len, @@sql_mode, @@time_zone, @@autocommit

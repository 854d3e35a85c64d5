# views, and statements about things
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20) NOT NULL DEFAULT 'x', n INT, KEY by_v (v), UNIQUE KEY (n)) COMMENT 'the table'
CREATE TABLE c (id INT PRIMARY KEY, t_id INT, CONSTRAINT to_t FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE CASCADE)
INSERT INTO t (v, n) VALUES ('a', 1), ('b', 2), ('c', NULL)
INSERT INTO c VALUES (1, 1), (2, 2)
CREATE VIEW w AS SELECT id, v FROM t WHERE n IS NOT NULL WITH CHECK OPTION
SELECT * FROM w ORDER BY id
UPDATE w SET v = 'changed' WHERE id = 1
INSERT INTO w (v) VALUES ('refused')
SHOW CREATE VIEW w
CREATE OR REPLACE VIEW w AS SELECT COUNT(*) AS total FROM t
SELECT * FROM w
ALTER VIEW w AS SELECT 1 AS one
SELECT * FROM w
DESCRIBE w
SHOW TABLES
SHOW FULL TABLES
SHOW TABLES LIKE 't%'
SHOW TABLES FROM app_mirror WHERE Tables_in_app_mirror = 'c'
SHOW TABLES FROM missing
SHOW COLUMNS FROM t
SHOW FULL COLUMNS FROM t LIKE 'v'
SHOW COLUMNS FROM missing
SHOW FIELDS FROM t
DESC t
DESC t v
EXPLAIN t
~ SHOW INDEX FROM t
SHOW CREATE TABLE t
SHOW CREATE TABLE c
SHOW CREATE TABLE missing
SHOW CREATE DATABASE app_mirror
~ SHOW TABLE STATUS
SHOW DATABASES LIKE 'app%'
SHOW SCHEMAS LIKE 'information%'
SHOW CHARACTER SET LIKE 'utf8mb4'
SHOW COLLATION LIKE 'utf8mb4_bin'
SHOW GRANTS
SHOW GRANTS FOR CURRENT_USER()
SHOW GRANTS FOR root
SHOW PRIVILEGES
~ SHOW ENGINES
~ SHOW PLUGINS
~ SHOW STATUS LIKE 'Threads%'
~ SHOW GLOBAL STATUS LIKE 'Uptime'
~ SHOW SESSION STATUS LIKE 'Com_select'
~ SHOW PROCESSLIST
~ SHOW FULL PROCESSLIST
~ SHOW OPEN TABLES FROM app_mirror
SHOW TRIGGERS
SHOW EVENTS
SHOW PROFILES
SHOW BINARY LOGS
SHOW MASTER STATUS
SHOW REPLICA STATUS
SHOW SLAVE STATUS
SHOW ENGINE INNODB STATUS
SHOW VARIABLES LIKE 'lower_case%'
SHOW VARIABLES WHERE Variable_name IN ('sql_mode', 'autocommit')
SHOW NONSENSE
EXPLAIN SELECT 1
~ EXPLAIN SELECT * FROM t WHERE id = 1
~ EXPLAIN EXTENDED SELECT * FROM t
~ EXPLAIN FORMAT=JSON SELECT * FROM t WHERE id = 1
~ EXPLAIN UPDATE t SET v = 'x' WHERE id = 1
~ EXPLAIN DELETE FROM t WHERE id = 1
~ EXPLAIN INSERT INTO t (v) VALUES ('y')
EXPLAIN SELECT nothing
~ EXPLAIN FOR CONNECTION {{id}}
mysql: ~ EXPLAIN ANALYZE SELECT * FROM t
mysql: ~ EXPLAIN FORMAT=TREE SELECT * FROM t
mysql: SHOW EXTENDED COLUMNS FROM t
mysql: SHOW CREATE USER CURRENT_USER()
mariadb: ~ ANALYZE SELECT * FROM t
mariadb: ~ ANALYZE UPDATE t SET v = 'z' WHERE id = 2
mariadb: SELECT v FROM t WHERE id = 2
mariadb: SHOW CREATE SEQUENCE missing
mariadb: SHOW AUTHORS
SELECT table_name, table_type, engine, table_comment FROM information_schema.tables WHERE table_schema = 'app_mirror' ORDER BY table_name
SELECT column_name, data_type, column_type, is_nullable, column_default, extra FROM information_schema.columns WHERE table_schema = 'app_mirror' AND table_name = 't' ORDER BY ordinal_position
SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = 'app_mirror' ORDER BY 1, 2
SELECT index_name, column_name, non_unique FROM information_schema.statistics WHERE table_schema = 'app_mirror' AND table_name = 't' ORDER BY 1, 2
SELECT * FROM information_schema.key_column_usage WHERE table_schema = 'app_mirror' AND table_name = 'c' ORDER BY constraint_name
SELECT schema_name, default_character_set_name FROM information_schema.schemata WHERE schema_name LIKE 'app%' ORDER BY 1
SELECT id = {{id}} AS told, user, db, command FROM information_schema.processlist WHERE id = CONNECTION_ID()
CHECK TABLE t
ANALYZE TABLE t
OPTIMIZE TABLE t
REPAIR TABLE t
CHECKSUM TABLE t
CHECK TABLE missing
FLUSH TABLES
FLUSH PRIVILEGES
FLUSH STATUS
RESET QUERY CACHE
CACHE INDEX t IN missing
KILL 999999999
KILL QUERY 999999999
PURGE BINARY LOGS TO 'x'
CHANGE MASTER TO MASTER_HOST = 'x'
SHUTDOWN
CREATE USER nobody
GRANT SELECT ON app_mirror.t TO nobody
DROP USER nobody
SET PASSWORD FOR root = 'x'
SELECT * FROM mysql.user
SELECT * FROM performance_schema.threads LIMIT 0
TABLE t
HELP 'select'

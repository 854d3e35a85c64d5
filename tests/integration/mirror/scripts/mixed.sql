# a session that has set a lot and goes on using it: text and prepared, reads and writes
SET NAMES utf8mb4
SET sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES', time_zone = '+05:00', @tenant = 7, group_concat_max_len = 30
CREATE TABLE "t" ("id" INT AUTO_INCREMENT PRIMARY KEY, "tenant" INT, "v" VARCHAR(20), "at" TIMESTAMP NULL)
.prepare i INSERT INTO "t" ("tenant", "v", "at") VALUES (@tenant, ?, ?)
.prepare s SELECT "id", "v", "at" FROM "t" WHERE "tenant" = @tenant ORDER BY "id"
.execute i "a", datetime(2024, 1, 1, 12, 0, 0)
SELECT LAST_INSERT_ID()
.execute s
SET @tenant = 8
.again i "b", datetime(2024, 1, 2, 12, 0, 0)
.execute s
SELECT GROUP_CONCAT("v", "at") FROM "t"
SHOW WARNINGS
SET time_zone = '-05:00'
.execute s
SELECT "id", "at" FROM "t" ORDER BY "id"
BEGIN
.execute i "c", None
.execute s
SAVEPOINT x
.again i "d", None
ROLLBACK TO x
COMMIT
.execute s
SELECT 'A' = 'a', @@collation_connection
SET sql_mode = DEFAULT
.execute s
SELECT "text", @tenant
CREATE TEMPORARY TABLE tmp AS SELECT id FROM t
.prepare j SELECT t.id, t.v FROM t JOIN tmp USING (id) ORDER BY id
.execute j
DROP TEMPORARY TABLE tmp
.execute j
.execute s
SET @tenant = NULL
.execute s
SELECT @tenant IS NULL, @@time_zone, @@group_concat_max_len
USE app
.execute s
SELECT DATABASE(), @@time_zone
USE app_mirror
INSERT INTO t (tenant, v) VALUES (9, 'e'); SELECT LAST_INSERT_ID(), ROW_COUNT()
SELECT v FROM t WHERE id = LAST_INSERT_ID()
SET @tenant = 9
.execute s
/* readmux: primary */ SELECT v FROM t ORDER BY id
SELECT /* readmux: replica */ v FROM t ORDER BY id
.reset_connection
SELECT @tenant, @@time_zone, @@sql_mode, @@group_concat_max_len, DATABASE()
.execute s

# modes that change what a text means, and what it does
CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, v VARCHAR(3), d DATE)
SELECT @@sql_mode
SELECT "text", 'text'
SET sql_mode = 'ANSI_QUOTES'
SELECT "id" FROM t
SELECT "nothing"
SELECT "x" FROM "t"
INSERT INTO "t" ("id", "n") VALUES (1, 1)
SELECT "id", 'id' FROM "t" ORDER BY "id"
.prepare q SELECT "id" FROM "t"
SET sql_mode = ''
.execute q
SELECT "id" FROM t
INSERT INTO t (id) VALUES (2)
SHOW WARNINGS
INSERT INTO t VALUES (3, 'x', 'toolong', '2024-02-30')
SHOW WARNINGS
INSERT INTO t VALUES (4, 1 / 0, NULL, '0000-00-00')
SELECT * FROM t ORDER BY id
SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'
INSERT INTO t (id) VALUES (5)
INSERT INTO t VALUES (5, 1 / 0, NULL, NULL)
INSERT INTO t VALUES (5, 1, 'toolong', NULL)
INSERT INTO t VALUES (5, 1, NULL, '0000-00-00')
SELECT 1 / 0
SHOW WARNINGS
SET sql_mode = 'NO_BACKSLASH_ESCAPES'
SELECT 'a\', 'b'
SELECT 'a\nb', LENGTH('\\')
SELECT 'it''s\'
SET sql_mode = 'PIPES_AS_CONCAT'
SELECT 'a' || 'b' || NULL, 1 || 0
SET sql_mode = 'ANSI'
SELECT @@sql_mode
SELECT 'a' || 'b', "id" FROM "t" ORDER BY id LIMIT 1
SELECT COUNT (*) FROM t
SET sql_mode = ''
SELECT COUNT (*) FROM t
SELECT 'a' || 'b'
SET sql_mode = 'IGNORE_SPACE'
SELECT COUNT (*) FROM t
SELECT NOW () IS NULL
SET sql_mode = 'HIGH_NOT_PRECEDENCE'
SELECT NOT 1 BETWEEN -5 AND 5
SET sql_mode = 'NO_UNSIGNED_SUBTRACTION'
SELECT CAST(1 AS UNSIGNED) - 2
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'
SET sql_mode = 'ONLY_FULL_GROUP_BY'
SELECT id, COUNT(*) FROM t
SELECT n, MAX(v) FROM t GROUP BY d
SET sql_mode = ''
SELECT COUNT(*), MAX(id) FROM t
SET sql_mode = 'REAL_AS_FLOAT'
CREATE TABLE f (r REAL)
SHOW CREATE TABLE f
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'
CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY)
INSERT INTO a VALUES (0)
SET sql_mode = ''
INSERT INTO a VALUES (0)
SELECT * FROM a ORDER BY id
SET sql_mode = 'TRADITIONAL'
SELECT @@sql_mode
INSERT INTO t (id) VALUES (6)
SET sql_mode = 'NONSENSE'
SET sql_mode = 'ANSI,NONSENSE'
SELECT @@sql_mode
SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')
SELECT @@sql_mode
SELECT "id" FROM t ORDER BY id
SET sql_mode = 4
SELECT @@sql_mode
SET sql_mode = REPLACE(@@sql_mode, 'ANSI_QUOTES', '')
SELECT @@sql_mode
SET sql_mode = NULL
SET sql_mode = 'NO_ENGINE_SUBSTITUTION'
CREATE TABLE x (a INT) ENGINE = nonsense
SET sql_mode = ''
CREATE TABLE x (a INT) ENGINE = nonsense
SHOW WARNINGS
mysql: SET sql_mode = 'TIME_TRUNCATE_FRACTIONAL'
mysql: SELECT CAST('10:11:12.9' AS TIME)
mariadb: SET sql_mode = 'ORACLE'
mariadb: SELECT @@sql_mode
mariadb: SELECT 'a' || NULL, "id" FROM t ORDER BY id LIMIT 1
mariadb: BEGIN NULL; END
mariadb: SET sql_mode = 'EMPTY_STRING_IS_NULL'
mariadb: SELECT '' IS NULL
mariadb: SET sql_mode = 'SIMULTANEOUS_ASSIGNMENT'
mariadb: SET sql_mode = 'MSSQL'
mariadb: SELECT [id] FROM t
mariadb: SELECT @@sql_mode
SET sql_mode = DEFAULT
SELECT @@sql_mode
SELECT "id" FROM t ORDER BY id LIMIT 1

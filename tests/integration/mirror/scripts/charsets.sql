# what a client says its texts are written in
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection, @@character_set_database, @@collation_database, @@character_set_server
CREATE TABLE words (id INT PRIMARY KEY, u VARCHAR(20) CHARACTER SET utf8mb4, l VARCHAR(20) CHARACTER SET latin1, b VARBINARY(20), c VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
INSERT INTO words VALUES (1, 'größe €', 'größe', 'größe', 'Größe')
SELECT * FROM words
SELECT HEX(u), HEX(l), HEX(b) FROM words
SET NAMES latin1
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SELECT * FROM words
.query b"SELECT 'gr\xf6\xdfe', HEX('\xf6')"
.query b"INSERT INTO words VALUES (2, 'gr\xf6\xdfe', 'gr\xf6\xdfe', 'gr\xf6\xdfe', 'gr\xf6\xdfe')"
.query b"SELECT id, HEX(u) FROM words WHERE u = 'gr\xf6\xdfe' ORDER BY id"
.query b"SELECT 1 AS `\xf6`"
.query b"SELECT `\xf6`"
.prepare l SELECT u, HEX(?) FROM words ORDER BY id
.execute l b"\xf6"
SET NAMES utf8mb4
.again l "ö"
SELECT HEX(u), HEX(l), HEX(b) FROM words ORDER BY id
SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'
SELECT @@collation_connection, 'a' = 'A', 'ß' = 'ss'
SET NAMES utf8mb4 COLLATE utf8mb4_bin
SELECT @@collation_connection, 'a' = 'A'
SET NAMES utf8mb4 COLLATE latin1_swedish_ci
SET NAMES nonsense
SET NAMES DEFAULT
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SET CHARACTER SET latin1
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SELECT u FROM words ORDER BY id
SET CHARACTER SET DEFAULT
SELECT @@character_set_client, @@character_set_connection, @@character_set_results
SET CHARSET utf8mb4
SET character_set_results = latin1
SELECT u, 'ö' FROM words ORDER BY id
SET character_set_results = NULL
SELECT u, l FROM words ORDER BY id
SELECT @@character_set_results
SET character_set_results = utf8mb4
SET character_set_client = latin1
SELECT HEX('ö'), 'ö'
SET character_set_client = utf8mb4
SET character_set_connection = latin1
SELECT HEX('ö'), COLLATION('x'), CHARSET(CONCAT(1))
SET collation_connection = utf8mb4_general_ci
SELECT HEX('ö'), COLLATION('x')
SET character_set_client = ucs2
SET character_set_client = utf16
SET NAMES binary
SELECT 'ö', HEX('ö'), u, l FROM words ORDER BY id
SET NAMES ascii
SELECT u FROM words ORDER BY id
SET NAMES koi8r
.query b"SELECT HEX(CONVERT('\xc1' USING utf8mb4)), '\xc1'"
SET NAMES gbk
.query b"SELECT HEX('\xbf\x5c'), 'x'"
.query b"SELECT '\xbf\x5c' AS a, 'y'"
SET NAMES sjis
.query b"SELECT HEX('\x83\x5c'), 'x'"
SET NAMES utf8mb4
SELECT _latin1 0xF6, CONVERT(_latin1 0xF6 USING utf8mb4), _utf8mb4 0xC3B6, _utf8mb4 0xFF
SELECT _latin1'ö' = 'ö', CONVERT('ö' USING latin1), CONVERT('€' USING ascii)
SELECT 'a' COLLATE latin1_bin
SELECT u = l, CONCAT(u, l), COLLATION(CONCAT(u, l)) FROM words ORDER BY id
SELECT u = c COLLATE utf8mb4_general_ci FROM words ORDER BY id
SELECT u FROM words WHERE u = c
.query b"SELECT '\xff\xfe'"
.query b"SELECT '\xf0\x9f\x98\x80', LENGTH('\xf0\x9f\x98\x80')"
.query b"INSERT INTO words (id, u) VALUES (3, '\xff')"
.query b"INSERT INTO words (id, l) VALUES (3, '\xf0\x9f\x98\x80')"
SHOW CHARACTER SET LIKE 'latin%'
SHOW COLLATION LIKE 'latin1\_%'
SHOW CREATE DATABASE app_mirror
SHOW VARIABLES LIKE 'character\_set\_%'
SHOW VARIABLES LIKE 'collation%'
.reset_connection
SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection
SELECT @@character_set_database

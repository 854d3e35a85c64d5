# a column of every type: values, flags, NULL, and what does not fit
CREATE TABLE numbers (id INT PRIMARY KEY, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, z INT(8) ZEROFILL, bo BOOL)
INSERT INTO numbers VALUES (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, FALSE), (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 42, TRUE), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
SELECT * FROM numbers ORDER BY id
INSERT INTO numbers (id, t) VALUES (4, 128)
INSERT INTO numbers (id, tu) VALUES (4, -1)
INSERT IGNORE INTO numbers (id, t, tu, bu) VALUES (4, 1000, -5, -1)
SHOW WARNINGS
SELECT id, t, tu, bu FROM numbers WHERE id = 4
SELECT SUM(t), AVG(iu), MAX(bu), MIN(b), COUNT(z) FROM numbers
.prepare n SELECT * FROM numbers ORDER BY id
.execute n
CREATE TABLE fractions (id INT PRIMARY KEY, f FLOAT, d DOUBLE, fu FLOAT UNSIGNED, n DECIMAL(10,2), big DECIMAL(65,30), nu DECIMAL(5,0) UNSIGNED ZEROFILL, f2 FLOAT(7,3), d2 DOUBLE(10,4))
INSERT INTO fractions VALUES (1, 1.5, -2.25, 0, 12345678.91, 12345678901234567890123456789012345.123456789012345678901234567890, 7, 1.2345, 1.23456), (2, 3.4e38, 1.7e308, 1e-30, -0.01, -1, 99999, 9999.999, -1), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
SELECT * FROM fractions ORDER BY id
INSERT INTO fractions (id, n) VALUES (4, 123456789.01)
INSERT INTO fractions (id, n) VALUES (5, 1.239)
SHOW WARNINGS
SELECT SUM(f), AVG(n), n * 1.5, d / 0 FROM fractions GROUP BY n ORDER BY n
.prepare f SELECT * FROM fractions ORDER BY id
.execute f
CREATE TABLE moments (id INT PRIMARY KEY, d DATE, t TIME, t6 TIME(6), dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6), ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL, y YEAR)
INSERT INTO moments VALUES (1, '2024-02-29', '-838:59:59', '12:34:56.789012', '2024-02-29 12:34:56', '2024-02-29 12:34:56.789', '1000-01-01 00:00:00.000001', '2024-02-29 12:34:56', '2038-01-19 03:14:07.999999', 2155), (2, '9999-12-31', '00:00:00', '-00:00:00.000001', '9999-12-31 23:59:59', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '1970-01-01 00:00:01', '2001-01-01', 1901), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
SELECT * FROM moments ORDER BY id
SET time_zone = '-03:00'
SELECT id, dt, ts, ts6 FROM moments ORDER BY id
INSERT INTO moments (id, ts) VALUES (4, '2024-06-01 00:00:00')
SET time_zone = DEFAULT
SELECT id, ts FROM moments WHERE id = 4
INSERT INTO moments (id, d) VALUES (5, '2024-02-30')
INSERT INTO moments (id, d) VALUES (5, '0000-00-00')
INSERT INTO moments (id, y) VALUES (5, 2156)
INSERT INTO moments (id, t) VALUES (5, 'nonsense')
.prepare m SELECT * FROM moments ORDER BY id
.execute m
CREATE TABLE texts (id INT PRIMARY KEY, c CHAR(5), vc VARCHAR(20), bi BINARY(5), vb VARBINARY(20), tt TINYTEXT, te TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, e ENUM('a', 'größe', ''), se SET('x', 'y', 'z'))
INSERT INTO texts VALUES (1, 'ab ', 'größe ', 'ab', 0x00FF41, 'tiny', 'text', 'medium', 'long', 0x00, 0x0102, 0xFFFE, 'blob', 'größe', 'x,z'), (2, '', '', '', '', '', '', '', '', '', '', '', '', 'a', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
SELECT * FROM texts ORDER BY id
SELECT LENGTH(c), LENGTH(vc), LENGTH(bi), e + 0, se + 0, HEX(vb) FROM texts ORDER BY id
INSERT INTO texts (id, c) VALUES (4, 'toolong')
INSERT IGNORE INTO texts (id, c, e, se) VALUES (4, 'toolong', 'none', 'x,none')
SHOW WARNINGS
SELECT id, c, e, se FROM texts WHERE id = 4
INSERT INTO texts (id, e) VALUES (5, 'none')
INSERT INTO texts (id, tt) VALUES (5, REPEAT('x', 256))
UPDATE texts SET lt = REPEAT('long ', 100000) WHERE id = 2
SELECT lt FROM texts WHERE id = 2
.prepare t SELECT * FROM texts ORDER BY id
.execute t
CREATE TABLE others (id INT PRIMARY KEY, b1 BIT(1), b8 BIT(8), b64 BIT(64), j JSON, g GEOMETRY, p POINT, l LINESTRING, po POLYGON)
INSERT INTO others VALUES (1, b'1', b'10101010', b'1111', '{"a": [1, 2.5, "x", null, true]}', ST_GeomFromText('POINT(1 2)'), POINT(3, 4), ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
SELECT * FROM others ORDER BY id
SELECT b1 + 0, b8 + 0, HEX(b64), JSON_EXTRACT(j, '$.a[0]'), ST_AsText(g), ST_AsText(po) FROM others ORDER BY id
INSERT INTO others (id, j) VALUES (3, '{nonsense')
INSERT INTO others (id, b1) VALUES (3, 2)
INSERT INTO others (id, p) VALUES (3, 'nonsense')
.prepare o SELECT * FROM others ORDER BY id
.execute o
mysql: SELECT j->'$.a', j->>'$.a[2]' FROM others ORDER BY id
mariadb: CREATE TABLE own (id INT PRIMARY KEY, i6 INET6, u UUID)
mariadb: INSERT INTO own VALUES (1, '::1', '6ccd780c-baba-1026-9564-5b8c656024db'), (2, NULL, NULL)
mariadb: SELECT * FROM own ORDER BY id
mariadb: SELECT i6, u FROM own WHERE i6 = '::1'
mariadb: .prepare own SELECT * FROM own ORDER BY id
mariadb: .execute own
mysql: CREATE TABLE own (id INT PRIMARY KEY, v VECTOR(2))
mysql: INSERT INTO own VALUES (1, STRING_TO_VECTOR('[1,2]')), (2, NULL)
mysql: SELECT id, v, VECTOR_TO_STRING(v) FROM own ORDER BY id
SELECT * FROM numbers, fractions WHERE numbers.id = fractions.id AND numbers.id = 1
SELECT n.id AS number_id, n.t, f.* FROM numbers AS n LEFT JOIN fractions AS f USING (id) ORDER BY n.id
CREATE TABLE defaults (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL DEFAULT 5, b VARCHAR(9) DEFAULT 'x', g INT AS (a * 2), gs INT AS (a + 1) STORED, u INT UNIQUE, k INT, KEY (k)) COMMENT 'a table'
INSERT INTO defaults () VALUES ()
INSERT INTO defaults (a, b) VALUES (DEFAULT, DEFAULT), (7, NULL)
INSERT INTO defaults (g) VALUES (1)
SELECT * FROM defaults ORDER BY id
.field_list defaults
.field_list texts v%
.field_list nowhere
SHOW FULL COLUMNS FROM defaults
DESCRIBE numbers
SHOW CREATE TABLE texts
SHOW CREATE TABLE moments

# user variables: plain, computed, of every type
SELECT @a
SET @a = 1
SELECT @a, @A, @`a`, @'a'
SET @a = 1, @b = 'text', @c = NULL, @d = 1.50, @e = 1e3, @f = 0x41, @g = b'1', @h = TRUE, @i = -5
SELECT @a, @b, @c, @d, @e, @f, @g, @h, @i
SELECT @b
SET @a := 2, @b := "it's", @j = 'größe', @k = _latin1'x', @l = 'a' COLLATE utf8mb4_bin, @m = N'n', @n = 'a\nb\\'
SELECT @a, @b, @j, @k, @l, @m, @n, CHARSET(@k), COLLATION(@l), CHARSET(@j), COERCIBILITY(@j)
SELECT HEX(@j), LENGTH(@n)
SET @a = @a + 1
SELECT @a
SET @a = 1 + 2, @b = CONCAT('x', @a)
SELECT @a, @b
SELECT @a := 10, @a := @a + 1
SELECT @a
SELECT 1, 'two' INTO @a, @b
SELECT @a, @b
SELECT 1 INTO @a, @b
SELECT 1 FROM DUAL WHERE 0 INTO @z
SHOW WARNINGS
SELECT @z
SET @big = REPEAT('x', 100000)
SELECT LENGTH(@big)
SET @long = '{{y*40000}}'
SELECT LENGTH(@long)
SET @d = DATE '2024-02-29', @t = NOW() IS NULL
SELECT @d, @t
SET @u = 18446744073709551615, @n = -9223372036854775808, @dec = 1.000
SELECT @u, @n, @dec, @u + 0, @dec + 1
SET @a = (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'app_mirror')
SELECT @a
.reset_connection
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')
SET @id = 2
SELECT v FROM t WHERE id = @id
SELECT * FROM t WHERE v = @nothing
UPDATE t SET v = @new := 'changed' WHERE id = @id
SELECT @new
INSERT INTO t VALUES (4, @new)
SELECT * FROM t ORDER BY id
SET @row = 0
SELECT @row := @row + 1 AS n, id FROM t ORDER BY id
SELECT @row
.prepare s SELECT @id, ? + @id
.execute s 5
SET @id = 3
.execute s 6
.prepare s SET @id = ?
.execute s "bound"
SELECT @id
SET @x = 1; SET @x = @x + 1; SELECT @x
SELECT @x
SET @`with space` = 1, @'quoted' = 2, @"double" = 3, @with.dot = 4, @with$dollar = 5, @größe = 6
SELECT @`with space`, @'quoted', @"double", @with.dot, @with$dollar, @größe
SET @a = nothing
SELECT @a
SET @a = 1, @b = nothing
SELECT @a, @b
SET @a = 5, group_concat_max_len = 1234, @b = 6
SELECT @a, @b, @@group_concat_max_len
SET @s = 'a', @s = CONCAT(@s, 'b'), @s = CONCAT(@s, 'c')
SELECT @s
SET sql_mode = 'NO_BACKSLASH_ESCAPES'
SET @back = 'a\nb'
SELECT @back, LENGTH(@back)
SET sql_mode = DEFAULT
SELECT @back, LENGTH(@back)
SET NAMES latin1
.query b"SET @latin = 'gr\xf6\xdfe'"
SELECT HEX(@latin), CHARSET(@latin)
SET NAMES utf8mb4
SELECT @latin, HEX(@latin), CHARSET(@latin)
SET @j = JSON_OBJECT('a', 1)
SELECT @j, JSON_EXTRACT(@j, '$.a')
SET @g = POINT(1, 2)
SELECT ST_AsText(@g)
SET @e = ''
SELECT @e, @e IS NULL
.reset_connection
SELECT @a, @b, @x

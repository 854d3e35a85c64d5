# COM_STMT_*
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100), n INT)
.prepare none SELECT 1
.execute none
.execute none
.prepare i INSERT INTO t (v, n) VALUES (?, ?)
.execute i "one", 1
.execute i None, None
.again i "two", 2
.execute i "three", "3"
.again i "four", "4"
.execute i "five", null(longlong(0))
.again i "six", 6
.execute i "seven", "text"
.prepare s SELECT * FROM t WHERE id > ? ORDER BY id LIMIT ?
.execute s 0, 2
.again s 2, 3
.execute s "1", 1
.execute s 1.5, 2
.execute s None, 1
SELECT * FROM t ORDER BY id
.execute s 0, 100
.prepare e SELECT nothing
.prepare e SELECT * FROM missing
.prepare e nonsense
.prepare e
.execute e
.reset e
.close e
.prepare u UPDATE t SET n = ? WHERE id = ?
.execute u 10, 1
.execute u 10, 1
.execute u 10, 100
.prepare d DELETE FROM t WHERE id = ?
.execute d 2
.execute d 2
.prepare r REPLACE INTO t (id, v) VALUES (?, ?)
.execute r 1, "replaced"
.prepare l INSERT INTO t (v) VALUES (?)
.long l 0 one-
.long l 0 two-
.long l 0 three
.execute l long(blob(""))
SELECT v FROM t WHERE id = LAST_INSERT_ID()
.long l 0 {{z*90}}
.execute l long(var_string(""))
.long l 0 forgotten
.reset l
.execute l "given"
SELECT v FROM t WHERE id = LAST_INSERT_ID()
.long l 0 only
.execute l long(long_blob(""))
.execute l None
.prepare two SELECT ?, ?
.long two 1 second
.execute two "first", long(blob(""))
.long two 0 first
.execute two long(blob("")), "second"
.again two "third", "fourth"
.long two 0
.execute two long(blob("")), "empty"
.close two
.execute two 1, 2
.reset two
.fetch two 1
.prepare one SELECT 'one', ?
.prepare two SELECT 'two', ?
.prepare three SELECT 'three', ?
.execute three 1
.execute one 2
.execute two 3
.again one 4
.close two
.again three 5
.prepare same SELECT 'one', ?
.execute same "x"
.again one 6
.close one
.again same "y"
.prepare c CREATE TABLE made (a INT)
.execute c
.execute c
.prepare a ALTER TABLE t ADD COLUMN extra INT DEFAULT 5
.prepare all SELECT * FROM t ORDER BY id LIMIT 1
.execute all
.execute a
.execute all
ALTER TABLE t DROP COLUMN extra
.execute all
.prepare v SET @set = ?
.execute v "by a statement"
SELECT @set
.prepare v SET group_concat_max_len = 55
.execute v
SELECT @@group_concat_max_len
.prepare g SELECT @set, @@group_concat_max_len, DATABASE()
.execute g
USE app
.execute g
USE app_mirror
.prepare b BEGIN
.prepare ro ROLLBACK
.prepare co COMMIT
.execute b
.execute l "rolled back"
.execute ro
SELECT COUNT(*) FROM t
.prepare sh SHOW TABLES
.execute sh
.prepare sh SHOW COLUMNS FROM t
.execute sh
.prepare ex EXPLAIN SELECT 1
.execute ex
.prepare use USE app
.prepare x SHOW WARNINGS
.prepare x SELECT CAST('1x' AS SIGNED)
.execute x
SHOW WARNINGS
.prepare dup INSERT INTO t (id) VALUES (?)
.execute dup 1
SHOW WARNINGS
.prepare div SELECT 1 / ?
.execute div 0
.execute div 3
.prepare big SELECT ?
.execute big "{{x*5000}}"
.execute big "{{x*70000}}"
.prepare rep SELECT REPEAT(?, ?)
.execute rep "y", 100000
.prepare manyp SELECT ?+?+?+?+?+?+?+?+?+?
.execute manyp 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
.again manyp 1, None, 3, 4, 5, 6, 7, 8, None, 10
.execute manyp 1, 2, 3
.prepare in SELECT id FROM t WHERE id IN (?, ?, ?) ORDER BY id
.execute in 1, 3, 4
.prepare lk SELECT v FROM t WHERE v LIKE ? ORDER BY id
.execute lk "t%"
.prepare q SELECT '?', `id`, "?" /* ? */ FROM t WHERE id = ? -- ?
.execute q 1
.prepare fu SELECT * FROM t WHERE id = ? FOR UPDATE
.execute fu 1
.prepare into SELECT ? INTO @into
.execute into "kept"
SELECT @into
.prepare calc SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 1
.execute calc
SELECT FOUND_ROWS()
.prepare un SELECT ? UNION SELECT ? ORDER BY 1
.execute un "b", "a"
.prepare w WITH x AS (SELECT ? AS a) SELECT * FROM x
.execute w 5
.prepare now SELECT NOW() IS NULL, CONNECTION_ID() = {{id}} AS told, USER()
.execute now
.prepare dr DROP TABLE made
.execute dr
.execute dr
DROP TABLE t
.execute all
CREATE TABLE t (other INT)
.execute all
.execute s 1, 1
mariadb: .raw 17ffffffff0001000000
mariadb: .prepare last SELECT 'the last'

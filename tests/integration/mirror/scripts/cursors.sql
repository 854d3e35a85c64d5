# a cursor stays where it was opened
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))
INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, NULL)
.prepare s SELECT * FROM t WHERE id > ? ORDER BY id
.cursor s 0
.fetch s 2
SELECT 1
.fetch s 2
INSERT INTO t VALUES (6, 'f')
.fetch s 2
.fetch s 2
.cursor s 2
.fetch s 100
.fetch s 1
.cursor s 0
.fetch s 1
.reset s
.fetch s 1
.cursor s 0
.fetch s 1
.cursor s 3
.fetch s 10
# MySQL's answer to this has columns and no end
mariadb: .execute s 4
mariadb: .fetch s 1
.prepare other SELECT id FROM t ORDER BY id DESC
.cursor s 0
.cursor other
.fetch s 1
.fetch other 1
.fetch s 1
.fetch other 1
.close s
.fetch s 1
.fetch other 10
.cursor other
.fetch other 0
.fetch other 3
UPDATE t SET v = 'changed'
.fetch other 3
.prepare none SELECT id FROM t WHERE 0
.cursor none
.fetch none 1
.prepare i INSERT INTO t VALUES (?, 'x')
.cursor i 7
.fetch i 1
.prepare c SELECT 1
.cursor c
.fetch c 5
# MySQL writes an open cursor's rows as when it was opened, MariaDB as the session wants them now
.prepare n SELECT CONVERT(X'67C3BC' USING utf8mb4) FROM t
.cursor n
.fetch n 1
SET NAMES latin1
.fetch n 1
SET NAMES utf8mb4
.fetch n 1
.close n
.prepare big SELECT REPEAT('x', 70000) FROM t
.cursor big
.fetch big 2
.fetch big 100
BEGIN
.prepare t SELECT id FROM t ORDER BY id
.cursor t
.fetch t 2
COMMIT
.fetch t 2
SET autocommit = 0
.cursor t
.fetch t 1
ROLLBACK
.fetch t 1
SET autocommit = 1
.cursor t
.fetch t 1
.reset_connection
.fetch t 1
SELECT 1
.prepare sh SHOW TABLES
.cursor sh
.fetch sh 5
.prepare w SELECT CAST('1x' AS SIGNED) FROM t
.cursor w
SHOW WARNINGS
.fetch w 1
.prepare fu SELECT id FROM t ORDER BY id LIMIT 2 FOR UPDATE
.cursor fu
.fetch fu 5
CREATE PROCEDURE p() SELECT id FROM t ORDER BY id
.prepare p CALL p()
.cursor p
.fetch p 2
SELECT 1
# on MySQL a cursor uses its statement up: others of the same text have one of their own
.prepare shared SELECT * FROM t ORDER BY id
.prepare twin SELECT * FROM t ORDER BY id
.cursor shared
.fetch shared 100
.execute twin
.cursor shared
.reset shared
.execute twin
.cursor shared
.close shared
.execute twin

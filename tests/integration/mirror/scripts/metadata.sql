# Definitions that a client has are left out of the answers to prepared statements (MariaDB)
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2))
INSERT INTO t VALUES (1, 'one', 1.5), (2, 'two', NULL), (3, 'three', 3)
SELECT * FROM t
.prepare all SELECT * FROM t ORDER BY id
.execute all
.execute all
SELECT 1 AS a, 2 AS b
.execute all
.prepare none SELECT * FROM t WHERE id > 100
.execute none
.execute none
mariadb: .prepare some SELECT id, ? AS given, v FROM t WHERE id >= ?
mariadb: .execute some 1, 2
mariadb: .again some 2, 1
mariadb: .execute some "text", 1
mariadb: .execute some 1.5, 1
mariadb: .execute some None, 3
mariadb: .execute some 5, 3
# two of one text: each is its own
.prepare other SELECT * FROM t ORDER BY id
.execute other
.execute all
b: .prepare all SELECT * FROM t ORDER BY id
b: .execute all
.execute all
# the table changes: sent anew, once to each (the other session has to see the change, too)
ALTER TABLE t CHANGE v w VARCHAR(20)
.execute all
.execute all
b: BEGIN
b: .execute all
b: .execute all
b: COMMIT
.execute other
.execute other
ALTER TABLE t CHANGE w v CHAR(20)
.execute all
b: BEGIN
b: .execute all
.execute all
b: .execute all
b: COMMIT
ALTER TABLE t ADD x INT
.execute all
.execute all
b: BEGIN
b: .execute all
b: .execute all
b: COMMIT
.execute other
ALTER TABLE t DROP x
.execute all
.execute other
.execute all
ALTER TABLE t MODIFY v VARCHAR(40)
.execute all
.execute all
ALTER TABLE t ADD KEY (v)
.execute all
.execute all
ALTER TABLE t COMMENT 'nothing that a result shows'
.execute all
# more than 250 columns, and more rows than numbers
.prepare wide SELECT id, {{id+1,*300}} 2 FROM t ORDER BY id
.execute wide
.execute wide
.prepare long WITH RECURSIVE c AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < 700) SELECT i, 'x' FROM c
.execute long
.execute long
.prepare large SELECT id, REPEAT('x', 1200000) FROM t ORDER BY id
.execute large
.execute large
# errors before and behind the definitions
.prepare fails SELECT id, (SELECT id FROM t AS inner_t WHERE inner_t.id >= t.id) FROM t ORDER BY id DESC
.execute fails
.execute fails
DELETE FROM t WHERE id < 3
.execute fails
.execute fails
INSERT INTO t VALUES (1, 'one', 1.5), (2, 'two', NULL)
.execute fails
# no result sets
.prepare i INSERT INTO t (id) VALUES (?)
.execute i 10
.execute i 11
mariadb: .prepare returning DELETE FROM t WHERE id = ? RETURNING id, v
mariadb: .execute returning 10
mariadb: .execute returning 11
mariadb: .execute returning 12
# cursors
.prepare c SELECT * FROM t ORDER BY id
.cursor c
.fetch c 1
.fetch c 10
.cursor c
.fetch c 10
# (MySQL's answer to .execute c has no end, but others of the same text are not disturbed)
mariadb: .execute c
.execute all
b: .execute all
# a routine's results are always sent in full
CREATE PROCEDURE p() BEGIN SELECT 1 AS a; SELECT id FROM t ORDER BY id; END
CREATE PROCEDURE one(OUT o INT) BEGIN SELECT 1 AS a; SET o = 7; END
CALL p()
.prepare p CALL p()
.execute p
.execute p
.prepare one CALL one(?)
.execute one None
.execute one None
mariadb: .prepare block BEGIN NOT ATOMIC SELECT 1 AS a; SELECT 1 AS a; END
mariadb: .execute block
mariadb: .execute block
mariadb: .prepare immediate EXECUTE IMMEDIATE 'SELECT 1 AS a'
mariadb: .execute immediate
mariadb: .execute immediate
# SHOW and EXPLAIN
.prepare show SHOW COLUMNS FROM t
.execute show
.execute show
.prepare warned SELECT 1/0 AS a
.execute warned
.execute warned
SHOW WARNINGS
.execute all
# names in another character set
SET NAMES latin1
.execute all
.execute all
SET NAMES utf8mb4
.execute all
# statements that are begun anew
.reset all
.execute all
.close all
.prepare all SELECT * FROM t ORDER BY id
.execute all
# in transactions, and behind them
BEGIN
.execute all
INSERT INTO t (id) VALUES (20)
.execute all
ROLLBACK
.execute all
DROP PROCEDURE p
DROP PROCEDURE one

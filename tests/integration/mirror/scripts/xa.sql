# XA transactions
CREATE TABLE t (id INT PRIMARY KEY)
XA START 'mirror'
INSERT INTO t VALUES (1)
SELECT * FROM t
XA COMMIT 'mirror'
BEGIN
XA END 'mirror'
SELECT * FROM t
XA PREPARE 'mirror'
SELECT 1
XA COMMIT 'mirror'
SELECT * FROM t
XA START 'mirror', 'branch', 5
INSERT INTO t VALUES (2)
XA END 'mirror', 'branch', 5
XA ROLLBACK 'mirror', 'branch', 5
SELECT * FROM t
XA BEGIN 'one'
INSERT INTO t VALUES (3)
XA END 'one'
XA COMMIT 'one' ONE PHASE
SELECT * FROM t ORDER BY id
XA COMMIT 'unknown'
XA ROLLBACK 'unknown'
XA END 'unknown'
XA PREPARE 'unknown'
XA RECOVER
XA START 'left'
INSERT INTO t VALUES (4)
XA END 'left'
XA PREPARE 'left'
b: XA ROLLBACK 'left'
XA ROLLBACK 'left'
SELECT * FROM t ORDER BY id
BEGIN
XA START 'within'
ROLLBACK
SET autocommit = 0
XA START 'off'
XA END 'off'
XA ROLLBACK 'off'
SET autocommit = 1
XA START 'reset'
INSERT INTO t VALUES (5)
.reset_connection
SELECT * FROM t ORDER BY id
XA START '{{x*70}}'
XA

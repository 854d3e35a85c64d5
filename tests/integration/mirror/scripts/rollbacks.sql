# errors that roll back: deadlock (the whole transaction), lock wait (the statement)
SET innodb_lock_wait_timeout = 1
b: SET innodb_lock_wait_timeout = 1
CREATE TABLE t (id INT PRIMARY KEY, v INT)
INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)
BEGIN
UPDATE t SET v = v + 1 WHERE id = 1
b: BEGIN
b: UPDATE t SET v = 10 WHERE id = 3
b: UPDATE t SET v = 10 WHERE id = 1
b: SHOW WARNINGS
b: SELECT * FROM t WHERE id = 3
b: COMMIT
ROLLBACK
SELECT * FROM t ORDER BY id FOR UPDATE
SET innodb_lock_wait_timeout = 20
b: SET innodb_lock_wait_timeout = 20
BEGIN
UPDATE t SET v = 1 WHERE id = 1
b: BEGIN
b: UPDATE t SET v = 2 WHERE id = 2
b: UPDATE t SET v = 2 WHERE id = 3
b: UPDATE t SET v = 2 WHERE id = 4
b: UPDATE t SET v = 2 WHERE id = 5
b& UPDATE t SET v = 2 WHERE id = 1
.until_blocked
UPDATE t SET v = 1 WHERE id = 2
SHOW WARNINGS
SELECT @@error_count
b?
b: SELECT * FROM t ORDER BY id
b: COMMIT
SELECT 1
SELECT * FROM t ORDER BY id FOR UPDATE
ROLLBACK
.prepare u UPDATE t SET v = 3 WHERE id = ?
BEGIN
.execute u 1
b: BEGIN
b: UPDATE t SET v = 2 WHERE id = 2
b: UPDATE t SET v = 2 WHERE id = 3
b: UPDATE t SET v = 2 WHERE id = 4
b: UPDATE t SET v = 2 WHERE id = 5
b& UPDATE t SET v = 2 WHERE id = 1
.until_blocked
.execute u 2
b?
b: ROLLBACK
SELECT * FROM t ORDER BY id FOR UPDATE

# a client's own use of the session trackers
SELECT @@session_track_system_variables, @@session_track_schema, @@session_track_state_change, @@session_track_transaction_info
SET session_track_state_change = 1
SELECT @@session_track_state_change
USE app
SET @a = 1
SET sql_mode = ''
.prepare s SELECT 1
.execute s
USE app_mirror
SET session_track_state_change = 0
SET session_track_schema = 0
USE app
USE app_mirror
SET session_track_schema = 1
USE app_mirror
SET session_track_system_variables = 'sql_mode,group_concat_max_len'
SET sql_mode = 'ANSI', group_concat_max_len = 555, time_zone = '+01:00'
SELECT @@sql_mode, @@group_concat_max_len, @@time_zone, @@session_track_system_variables
SET autocommit = 0
SET autocommit = 1
SET session_track_system_variables = '*'
SET sql_mode = ''
SET max_sort_length = 50
# long values, and more of them than fit into a small buffer
SET optimizer_switch = 'index_merge=off'
SET optimizer_switch = DEFAULT, sql_mode = 'ANSI', optimizer_switch = 'index_merge=off', max_sort_length = 60
SET optimizer_switch = DEFAULT
SET NAMES latin1
SET NAMES utf8mb4
SET session_track_system_variables = ''
SET sql_mode = 'ANSI_QUOTES'
SET autocommit = 0
SET autocommit = 1
SET session_track_system_variables = 'nonsense'
SHOW WARNINGS
SET session_track_system_variables = NULL
SELECT @@session_track_system_variables
SET session_track_system_variables = DEFAULT
SET autocommit = 0
SET autocommit = 1
SET sql_mode = DEFAULT
SET time_zone = 'SYSTEM'
SET NAMES utf8mb4
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)
SET session_track_transaction_info = 'STATE'
BEGIN
INSERT INTO t VALUES ()
COMMIT
SELECT COUNT(*) FROM t
SET session_track_transaction_info = 'CHARACTERISTICS'
START TRANSACTION READ ONLY
SELECT COUNT(*) FROM t
COMMIT
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
START TRANSACTION WITH CONSISTENT SNAPSHOT
ROLLBACK
SET autocommit = 0
INSERT INTO t VALUES ()
ROLLBACK
SET autocommit = 1
SET session_track_transaction_info = 'OFF'
BEGIN
COMMIT
mysql: SET session_track_gtids = OWN_GTID
mysql: INSERT INTO t VALUES ()
mysql: SELECT 1
mysql: BEGIN
mysql: INSERT INTO t VALUES ()
mysql: COMMIT
mysql: SET session_track_gtids = OFF
mysql: INSERT INTO t VALUES ()
INSERT INTO t VALUES ()
SELECT LAST_INSERT_ID()
CREATE PROCEDURE p() BEGIN SET sql_mode = 'ANSI'; SELECT 1; SET autocommit = 1; END
CALL p()
SET time_zone = '+01:00'; SELECT 1; SET time_zone = '+02:00'
SELECT @@session_track_system_variables, @@session_track_schema, @@session_track_state_change, @@session_track_transaction_info
SET session_track_system_variables = 'time_zone'
.reset_connection
SELECT @@session_track_system_variables
SET time_zone = '+03:00'
.change_user app app_mirror
SELECT @@session_track_system_variables, @@time_zone
SHOW VARIABLES LIKE 'session_track%'

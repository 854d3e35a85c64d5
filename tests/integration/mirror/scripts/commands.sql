# commands that are not statements
.ping
.init_db app
SELECT DATABASE()
.init_db app_mirror
.init_db missing
.init_db
SELECT DATABASE()
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'x', big BIGINT UNSIGNED)
.field_list t
.field_list t v
.field_list t z%
.field_list missing
.field_list
~ .statistics
~ .process_info
.debug
.set_option 0
.set_option 1
.set_option 7
.raw 1b00
.reset_connection
.ping
.kill 999999999
.refresh 0
.refresh 1
.refresh 4
SELECT 1
.raw 00
.raw 05
.raw 06
.raw 0b
.raw 0f
.raw 10
.raw 13
.raw 14
.raw 1d
.raw 20
.raw 50
.raw ff
SELECT 1
.raw 02
.raw 17
.raw 1701000000
.raw 170100000000
.raw 17010000000001000000
.raw 1a
.raw 1a01000000
.raw 1c0100000001000000
.raw 1c
.raw 16
.raw 0c
.raw 1b
SELECT 1
.change_user second app_mirror
SELECT CURRENT_USER(), DATABASE()
.change_user app
SELECT CURRENT_USER(), DATABASE()
SELECT * FROM t
.change_user app app_mirror
SET @a = 1, group_concat_max_len = 99
.reset_connection
SELECT @a, @@group_concat_max_len, DATABASE()
SET @a = 1, group_concat_max_len = 99
.change_user app app_mirror
SELECT @a, @@group_concat_max_len, DATABASE()
.prepare s SELECT 1
.reset_connection
.execute s
.prepare s SELECT 1
.change_user app app_mirror
.execute s
.change_user limited app_mirror
SELECT 1

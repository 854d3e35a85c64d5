# a schema that changes under a session
SELECT DATABASE()
CREATE DATABASE app_mirror_2 CHARACTER SET latin1
USE app_mirror_2
SELECT DATABASE(), @@character_set_database, @@collation_database
CREATE TABLE t (v VARCHAR(5))
SHOW CREATE TABLE t
SHOW TABLES
.init_db app_mirror
SELECT DATABASE()
SHOW TABLES
SHOW TABLES FROM app_mirror_2
SHOW DATABASES LIKE 'app\_mirror%'
SELECT * FROM app_mirror_2.t
USE missing
.init_db missing
SELECT DATABASE()
USE `app_mirror_2`
SELECT DATABASE()
DROP DATABASE app_mirror_2
SELECT DATABASE()
SELECT * FROM t
SHOW TABLES
CREATE TABLE t (v VARCHAR(5))
SELECT @@character_set_database
SELECT 1
USE mysql
SELECT DATABASE()
USE information_schema
SELECT DATABASE()
SELECT COUNT(*) FROM schemata WHERE schema_name = 'app_mirror'
USE app_mirror
SELECT DATABASE()
ALTER DATABASE app_mirror CHARACTER SET latin1
SELECT @@character_set_database, @@collation_database
USE app_mirror
SELECT @@character_set_database, @@collation_database
CREATE TABLE latin (v VARCHAR(5))
SHOW CREATE TABLE latin
SHOW CREATE DATABASE app_mirror
DROP DATABASE app_mirror
SELECT DATABASE()
CREATE DATABASE app_mirror
SELECT DATABASE()
USE app_mirror
SHOW TABLES

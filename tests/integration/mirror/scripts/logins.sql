# what the login says holds, also for what nobody sees but drivers
SELECT 'a', @@collation_connection
.login 45
SELECT 'a', @@collation_connection
SELECT @@character_set_client, @@character_set_connection, @@character_set_results
SELECT 'a', @@collation_connection
.reset_connection
SELECT 'a', @@collation_connection
.login 224
SELECT 'a', @@collation_connection
SELECT @@character_set_client, @@character_set_connection, @@character_set_results
.prepare s SELECT 'a', ?, @@collation_connection
.execute s "ö"
.login 8
.query b"SELECT '\xf6', @@collation_connection, HEX('\xf6')"
SELECT @@character_set_client, @@character_set_connection, @@character_set_results
.reset_connection
SELECT 'a', @@collation_connection
.login 33
SELECT 'a', @@collation_connection
SELECT @@character_set_client, @@character_set_connection, @@character_set_results
.login 63
SELECT 'a', @@collation_connection
.login 46
SELECT 'a', @@collation_connection, 'a' = 'A'
.change_user second app_mirror
SELECT 'a', @@collation_connection, USER(), DATABASE()
.change_user app
SELECT DATABASE(), USER()
.change_user app missing
SELECT 1

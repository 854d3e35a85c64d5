# the first words of a session
.greeting
SELECT 1
SELECT CONNECTION_ID() = {{id}} AS told
SELECT USER(), CURRENT_USER(), DATABASE(), SCHEMA(), SESSION_USER(), SYSTEM_USER()
SELECT LEFT(VERSION(), 5), LEFT(@@version, 5), @@version_comment LIMIT 1
select @@version_comment limit 1
SELECT 'größer' AS `a b`, NULL, 1.50, 2e0, -3, 0x41, b'1', TRUE
SELECT 1 AS a, 2 AS a
SELECT * FROM (SELECT 1 AS a UNION SELECT 2 UNION SELECT 3) t ORDER BY a DESC
SELECT nothing
SELECT $$
select $$
SELEC
;
SELECT 1;
SELECT 1;;
 SELECT 1
(SELECT 1)
((SELECT 1) UNION (SELECT 2))
# an empty statement
.query b''
.query b' '
.query b'-- nothing'
.query b'/* nothing */'
.query b'-- a comment\nSELECT 1 -- behind'
.query b'# a comment\nSELECT 1 # behind'
.query b'SELECT /* within */ 1'
.query b'SELECT 1\0'
.query b'SELECT \0'
.query b'SELECT "\0"'
SELECT /*! 1 + */ 1
SELECT /*!99999 1 + */ 1
SELECT /*!50000 STRAIGHT_JOIN */ 1
SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1
mariadb: SELECT /*M! 1 + */ 1
VALUES ROW(1,2), ROW(3,4)
VALUES (1,2), (3,4)
TABLE nowhere
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n
DO 1
DO SLEEP(0), nothing
SELECT SLEEP(0)
SELECT BENCHMARK(1, 1)
SELECT 1 INTO @a
SELECT @a
SELECT 1 FROM DUAL WHERE 1 = 0
SELECT 1 LIMIT 0
SELECT REPEAT('x', 300), REPEAT('y', 70000), REPEAT('z', 3000000)
SELECT '{{x*100000}}' = REPEAT('x', 100000) AS same
SELECT LENGTH('{{x*2000000}}') AS length_of_a_text_beyond_classification
SELECT '{{x*300}}'
SELECT 1 WHERE nothing = {{(*200}}1{{)*200}}
HELP 'nothing to be found'
SELECT 1 PROCEDURE ANALYSE()
EXECUTE IMMEDIATE 'SELECT 1'
SELECT @@hostname IS NULL, @@port IS NULL

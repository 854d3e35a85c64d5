-- What the command-line clients are fed: through readmux and directly, they print the same.
CREATE TABLE fed (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50) CHARACTER SET utf8mb4, b BLOB);
INSERT INTO fed (v, b) VALUES ('žluť 🐬', x'00ff27'), (NULL, NULL), ('tab	quote''', '');
SELECT ROW_COUNT(), LAST_INSERT_ID();
SELECT id, v, HEX(b) FROM fed ORDER BY id;
SELECT * FROM nowhere;
SHOW WARNINGS;
INSERT INTO fed (id) VALUES (1);
SHOW ERRORS;
BEGIN; DELETE FROM fed; SELECT COUNT(*) FROM fed; ROLLBACK;
SELECT COUNT(*) FROM fed;
UPDATE fed SET v = CONCAT(v, '!') WHERE id < 3;
SET @a = 5; SELECT @a;
PREPARE p FROM 'SELECT ? + 1 AS n'; EXECUTE p USING @a; DEALLOCATE PREPARE p;
use app_other
SELECT DATABASE();
use app
delimiter //
CREATE PROCEDURE fed_two() BEGIN SELECT 1; SELECT 2; END//
CALL fed_two()//
delimiter ;
SHOW TABLES LIKE 'fed%';
DESCRIBE fed;
SHOW CREATE TABLE fed;
SELECT CAST('x' AS SIGNED); SHOW WARNINGS;
SELEC 1;
SET SESSION sql_mode = 'ANSI_QUOTES'; SELECT "v" FROM fed ORDER BY id LIMIT 1;
DROP PROCEDURE fed_two;
DROP TABLE fed;

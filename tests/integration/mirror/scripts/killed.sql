# one's own session and another's
SELECT 1
b: SELECT 1
KILL QUERY {{id_b}}
b: SELECT 2
KILL QUERY {{id}}
SELECT 3
KILL CONNECTION {{id_b}}
b: SELECT 4
SELECT 5
c: SELECT 6
.kill {{id_c}}
c: SELECT 7
SELECT 8
KILL 12345678901234567890
KILL 'text'
KILL 1 + nothing
KILL {{id}}
SELECT 9

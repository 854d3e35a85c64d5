# a part for a parameter that is not there spoils the statement until it is reset; among the
# last, for others may share what a server connection has prepared
CREATE TABLE t (v VARCHAR(100))
.prepare l INSERT INTO t (v) VALUES (?)
.long l 5 nowhere
.execute l "refused"
.execute l "and again"
.reset l
.execute l "given"
.close l
SELECT v FROM t

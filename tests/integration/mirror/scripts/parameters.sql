# a parameter of every type
.prepare s SELECT ?
.execute s tiny(-128)
.execute s utiny(255)
.execute s short(-32768)
.execute s ushort(65535)
.execute s int24(-8388608)
.execute s long_(-2147483648)
.execute s ulong(4294967295)
.execute s longlong(-9223372036854775808)
.execute s ulonglong(18446744073709551615)
.execute s float_(1.5)
.execute s double(-2.25e100)
.execute s year(2024)
.execute s decimal("123.456")
.execute s newdecimal("-0.00000000000000000001")
.execute s date(2024, 2, 29)
.execute s date()
.execute s datetime(2024, 2, 29, 12, 34, 56)
.execute s datetime(2024, 2, 29, 12, 34, 56, 789000)
.execute s datetime(2024, 2, 29)
.execute s timestamp(2024, 2, 29, 12, 34, 56, 1)
.execute s timestamp()
.execute s time(0, 0, 12, 34, 56)
.execute s time(1, 34, 22, 59, 59)
.execute s time(0, 0, 0, 0, 0, 1)
.execute s time()
.execute s varchar("varchar")
.execute s var_string("größe")
.execute s string("string")
.execute s enum("enum")
.execute s set_("a,b")
.execute s tiny_blob(b"\0\1\xff")
.execute s blob(b"\0\1\xff")
.execute s medium_blob("medium")
.execute s long_blob("{{l*300}}")
.execute s bit(b"\1")
.execute s json('{"a": 1}')
.execute s geometry(b"\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40")
.execute s None
.execute s null(tiny(0))
.execute s null(blob(""))
.execute s ""
.execute s blob("")
.execute s datetime(2024, 13, 45)
.execute s datetime(2024, 2, 30, 25, 61, 61)
.again s datetime(2024, 2, 28, 1, 2, 3)
.execute s tiny(1)
.again s tiny(2)
.execute s 5
.again s 6
.execute s "now a text"
.again s "again"
.execute s None
.again s None
.execute s Parameter(99, b"\1")
SELECT 1
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, i INT, u BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,5), dt DATETIME(6), da DATE, ti TIME(3), v VARCHAR(50), b BLOB, bi BIT(8), j JSON, e ENUM('x', 'y'))
.prepare i INSERT INTO t (i, u, f, d, n, dt, da, ti, v, b, bi, j, e) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
.execute i long_(-5), ulonglong(18446744073709551615), float_(0.5), double(1e200), newdecimal("12345.67891"), datetime(2024, 2, 29, 1, 2, 3, 456789), date(2024, 2, 29), time(1, 0, 1, 2, 3, 500000), "größe", blob(b"\0\xff"), bit(b"\xaa"), '{"a": [1]}', "y"
.again i long_(6), ulonglong(7), float_(-0.5), double(2), newdecimal("1"), datetime(), date(), time(), "", blob(b""), bit(b"\1"), "[]", "x"
.execute i tiny(1), tiny(1), tiny(1), tiny(1), tiny(1), "2024-01-01", "2024-01-02", "10:00:00", tiny(5), tiny(6), tiny(7), "1", tiny(1)
.execute i None, None, None, None, None, None, None, None, None, None, None, None, None
.execute i "text", 0, 0, 0, 0, None, None, None, "", "", 0, "1", "x"
.execute i 0, -1, 0, 0, 0, None, None, None, "", "", 0, "1", "x"
.execute i 0, 0, 0, 0, 0, "nonsense", None, None, "", "", 0, "1", "x"
.execute i 0, 0, 0, 0, 0, None, None, None, "", "", 0, "{nonsense", "x"
.execute i 0, 0, 0, 0, 0, None, None, None, "", "", 0, "1", "z"
.prepare r SELECT * FROM t ORDER BY id
.execute r
SELECT * FROM t ORDER BY id
.prepare f SELECT id FROM t WHERE i = ? OR u = ? OR dt = ? OR v = ? ORDER BY id
.execute f long_(-5), ulonglong(7), datetime(2024, 1, 1), "5"
.again f long_(6), ulonglong(0), datetime(2000, 1, 1), "größe"
.execute f "6", "7", "2024-01-01 00:00:00", 5
.prepare x SELECT ? + ?, ? || ?, CONCAT(?, ?), ? <=> NULL
.execute x 1, 2, 1, 0, "a", "b", None
.execute x "1", 2.5, 0, 0, 1, 2, 3
.prepare l SELECT id FROM t ORDER BY id LIMIT ?, ?
.execute l 1, 2
.execute l tiny(0), utiny(1)
.execute l "1", "1"
.execute l -1, 1
.prepare h SELECT HEX(?), LENGTH(?), CHARSET(?)
.execute h "ö", "ö", "ö"
.execute h blob("ö"), blob("ö"), blob("ö")
SET NAMES latin1
.execute h b"\xf6", b"\xf6", b"\xf6"
.prepare h SELECT HEX(?), LENGTH(?), CHARSET(?), ?
.execute h b"\xf6", b"\xf6", b"\xf6", b"\xf6"
SET NAMES utf8mb4
.execute h "ö", "ö", "ö", "ö"
SET time_zone = '+03:00'
.prepare z SELECT UNIX_TIMESTAMP(?)
.execute z datetime(2024, 1, 1, 0, 0, 0)
SET time_zone = '-03:00'
.again z datetime(2024, 1, 1, 0, 0, 0)

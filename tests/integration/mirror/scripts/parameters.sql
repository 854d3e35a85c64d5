# a parameter of every type
.prepare s SELECT ? AS p1
.execute s tiny(-128)
.prepare s SELECT ? AS p2
.execute s utiny(255)
.prepare s SELECT ? AS p3
.execute s short(-32768)
.prepare s SELECT ? AS p4
.execute s ushort(65535)
.prepare s SELECT ? AS p5
.execute s int24(-8388608)
.prepare s SELECT ? AS p6
.execute s long_(-2147483648)
.prepare s SELECT ? AS p7
.execute s ulong(4294967295)
.prepare s SELECT ? AS p8
.execute s longlong(-9223372036854775808)
.prepare s SELECT ? AS p9
.execute s ulonglong(18446744073709551615)
.prepare s SELECT ? AS p10
.execute s float_(1.5)
.prepare s SELECT ? AS p11
.execute s double(-2.25e100)
.prepare s SELECT ? AS p12
.execute s year(2024)
.prepare s SELECT ? AS p13
.execute s decimal("123.456")
.prepare s SELECT ? AS p14
.execute s newdecimal("-0.00000000000000000001")
.prepare s SELECT ? AS p15
.execute s date(2024, 2, 29)
.prepare s SELECT ? AS p16
.execute s date()
.prepare s SELECT ? AS p17
.execute s datetime(2024, 2, 29, 12, 34, 56)
.prepare s SELECT ? AS p18
.execute s datetime(2024, 2, 29, 12, 34, 56, 789000)
.prepare s SELECT ? AS p19
.execute s datetime(2024, 2, 29)
.prepare s SELECT ? AS p20
.execute s timestamp(2024, 2, 29, 12, 34, 56, 1)
.prepare s SELECT ? AS p21
.execute s timestamp()
.prepare s SELECT ? AS p22
.execute s time(0, 0, 12, 34, 56)
.prepare s SELECT ? AS p23
.execute s time(1, 34, 22, 59, 59)
.prepare s SELECT ? AS p24
.execute s time(0, 0, 0, 0, 0, 1)
.prepare s SELECT ? AS p25
.execute s time()
.prepare s SELECT ? AS p26
.execute s varchar("varchar")
.prepare s SELECT ? AS p27
.execute s var_string("größe")
.prepare s SELECT ? AS p28
.execute s string("string")
.prepare s SELECT ? AS p29
.execute s enum("enum")
.prepare s SELECT ? AS p30
.execute s set_("a,b")
.prepare s SELECT ? AS p31
.execute s tiny_blob(b"\0\1\xff")
.prepare s SELECT ? AS p32
.execute s blob(b"\0\1\xff")
.prepare s SELECT ? AS p33
.execute s medium_blob("medium")
.prepare s SELECT ? AS p34
.execute s long_blob("{{l*300}}")
.prepare s SELECT ? AS p35
.execute s bit(b"\1")
.prepare s SELECT ? AS p36
.execute s json('{"a": 1}')
.prepare s SELECT ? AS p37
.execute s geometry(b"\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40")
.prepare s SELECT ? AS p38
.execute s None
.prepare s SELECT ? AS p39
.execute s null(tiny(0))
.prepare s SELECT ? AS p40
.execute s null(blob(""))
.prepare s SELECT ? AS p41
.execute s ""
.prepare s SELECT ? AS p42
.execute s blob("")
.prepare s SELECT ? AS p43
.execute s datetime(2024, 13, 45)
.prepare s SELECT ? AS p44
.execute s datetime(2024, 2, 30, 25, 61, 61)
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

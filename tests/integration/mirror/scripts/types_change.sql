# one statement with changing types
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

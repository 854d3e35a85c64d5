# SPDX-License-Identifier: GPL-2.0-or-later
"""The job of ../README.md with PyMySQL or mysqlclient, by the DB-API: text only."""

import datetime
import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

PORT, TLS_PORT, CA, NAME, KIND, DRIVER = sys.argv[1:]
db = importlib.import_module(DRIVER)

MULTI_STATEMENTS = 1 << 16
TLS = {"ssl": {"ca": CA}}

COLUMNS = "id, word, big, amount, moment, day, data"
ROWS = [
    (1, "plain", 42, Decimal("0.5"), datetime.datetime(2024, 2, 29, 23, 59, 59, 123456),
     datetime.date(1000, 1, 1), bytes(range(256))),
    (2, "žluť 🐬 日本 ' \" \\ % ; -- \n\t\0", 2**64 - 1,
     Decimal("-12345678901234567890.0123456789"), datetime.datetime(9999, 12, 31), datetime.date(9999, 12, 31), b"\0\xff'\\" * 786432),
    (3, "", 0, Decimal(0), datetime.datetime(1970, 1, 1, 0, 0, 1), datetime.date(2000, 2, 29),
     b""),
    (4, None, None, None, None, None, None),
]


def connect(tls, **options):
    if tls:
        options.update(TLS)
    return db.connect(host="127.0.0.1", port=int(TLS_PORT if tls else PORT), user="app",
                      password="app secret", database="app", charset="utf8mb4", **options)


def rows(connection, sql, arguments=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {repr(expected)[:300]}, got {repr(actual)[:300]}")


def make_tables(connection):
    rows(connection, f"DROP TABLE IF EXISTS {NAME}, {NAME}_digits")
    rows(connection, f"CREATE TABLE {NAME} (id INT AUTO_INCREMENT PRIMARY KEY,"
         " word VARCHAR(100) CHARACTER SET utf8mb4, big BIGINT UNSIGNED,"
         " amount DECIMAL(30, 10), moment DATETIME(6), day DATE, data MEDIUMBLOB)")
    rows(connection, f"CREATE TABLE {NAME}_digits (d INT PRIMARY KEY)")
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {NAME}_digits VALUES (%s)", list(zip(range(10))))
        expect(cursor.rowcount, 10)


def values(connection):
    for row in ROWS:
        rows(connection, f"INSERT INTO {NAME} ({COLUMNS})"
             " VALUES (%s, %s, %s, %s, %s, %s, %s)", row)
    expect(rows(connection, f"SELECT {COLUMNS} FROM {NAME} ORDER BY id"), ROWS)


def counts(connection):
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {NAME} (word) VALUES ('five')")
        expect((cursor.lastrowid, cursor.rowcount), (5, 1))
        expect(rows(connection, "SELECT LAST_INSERT_ID()"), [(5,)])
        cursor.execute(f"UPDATE {NAME} SET big = 7 WHERE id >= 4")
        expect(cursor.rowcount, 2)
        cursor.execute(f"DELETE FROM {NAME} WHERE id > 1")
        expect(cursor.rowcount, 4)


def transactions(connection):
    count = f"SELECT COUNT(*) FROM {NAME} WHERE word = %s"
    connection.autocommit(False)
    for word, end, left in ("lost", connection.rollback, 0), ("kept", connection.commit, 1):
        connection.begin() if DRIVER == "pymysql" else rows(connection, "BEGIN")
        rows(connection, f"INSERT INTO {NAME} (word) VALUES (%s)", (word,))
        expect(rows(connection, count, (word,)), [(1,)])
        end()
        expect(rows(connection, count, (word,)), [(left,)])
    connection.commit()
    connection.autocommit(True)


def errors(connection):
    for number, sql in ((1146, "SELECT * FROM nowhere"), (1064, "SELEC 1"),
                        (1062, f"INSERT INTO {NAME} (id) VALUES (1)")):
        try:
            rows(connection, sql)
        except db.MySQLError as error:
            expect(error.args[0], number)
        else:
            raise AssertionError(f"no error {number}")
        expect(rows(connection, "SELECT 'alive'"), [("alive",)])


def many(connection):
    sql = ("SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n, REPEAT('x', 100)"
           f" FROM {NAME}_digits a, {NAME}_digits b, {NAME}_digits c, {NAME}_digits d"
           " ORDER BY n")
    expected = [(n, "x" * 100) for n in range(10000)]
    expect(rows(connection, sql), expected)
    streaming = importlib.import_module(f"{DRIVER}.cursors").SSCursor
    with connection.cursor(streaming) as cursor:
        cursor.execute(sql)
        expect(list(cursor), expected)


def results_of(cursor):
    results = [list(cursor.fetchall())]
    while cursor.nextset():
        results.append(list(cursor.fetchall()))
    return results


def multi(tls):
    connection = connect(tls, autocommit=True, client_flag=MULTI_STATEMENTS)
    rows(connection, f"DROP PROCEDURE IF EXISTS {NAME}_two")
    rows(connection, f"CREATE PROCEDURE {NAME}_two(a INT)"
         " BEGIN SELECT a; SELECT a + 1; END")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1; UPDATE {NAME} SET big = 9 WHERE id = 1;"
                       f" SELECT big FROM {NAME} WHERE id = 1")
        expect(results_of(cursor), [[(1,)], [], [(9,)]])
        cursor.callproc(f"{NAME}_two", (5,))
        expect(results_of(cursor), [[(5,)], [(6,)], []])
    rows(connection, f"DROP PROCEDURE {NAME}_two")
    connection.close()


def several(tls):
    def insert(number):
        connection = connect(tls)
        for _ in range(5):
            rows(connection, f"INSERT INTO {NAME} (big) VALUES (%s)", (number,))
            connection.commit()
        mine = rows(connection, f"SELECT COUNT(*) FROM {NAME} WHERE big = %s", (number,))
        connection.close()
        return mine[0][0]

    with ThreadPoolExecutor(8) as executor:
        expect(list(executor.map(insert, range(100, 108))), [5] * 8)


def reads(tls):
    connection = connect(tls, autocommit=True)
    for _ in range(20):
        print("text", rows(connection, "SELECT @@server_id")[0][0])
    connection.close()


for tls in (False, True):
    connection = connect(tls, autocommit=True)
    make_tables(connection)
    for part in (values, counts, transactions, errors, many):
        part(connection)
    multi(tls)
    several(tls)
    reads(tls)
    rows(connection, f"DROP TABLE {NAME}, {NAME}_digits")
    connection.close()
print("done")

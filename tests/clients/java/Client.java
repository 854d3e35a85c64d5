// SPDX-License-Identifier: GPL-2.0-or-later

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The job of ../README.md with MariaDB Connector/J. */
public class Client {
    private static final String COLUMNS = "id, word, big, amount, moment, day, data";

    private static final Object[][] ROWS = {
        {1, "plain", new BigInteger("42"), new BigDecimal("0.5000000000"),
            "2024-02-29 23:59:59.123456", "1000-01-01", allBytes()},
        {2, "žluť 🐬 日本 ' \" \\ % ; -- \n\t\0", new BigInteger("18446744073709551615"),
            new BigDecimal("-12345678901234567890.0123456789"), "9999-12-31 00:00:00",
            "9999-12-31",
            "\0\u00ff'\\".repeat(786432).getBytes(StandardCharsets.ISO_8859_1)},
        {3, "", BigInteger.ZERO, new BigDecimal("0.0000000000"), "1970-01-02 00:00:01",
            "2000-02-29", new byte[0]},
        {4, null, null, null, null, null, null},
    };

    private final String port;
    private final String options;
    private final String name;
    private final boolean prepared;

    private Client(String port, String options, String name, boolean prepared) {
        this.port = port;
        this.options = options;
        this.name = name;
        this.prepared = prepared;
    }

    public static void main(String[] args) throws Exception {
        String name = args[3];
        new Client(args[0], "&allowPublicKeyRetrieval=true", name, false).run();
        String withTls = "&useServerPrepStmts=true&useSsl=true&serverSslCert=" + args[2];
        new Client(args[1], withTls, name, true).run();
        System.out.println("done");
    }

    private Connection open() throws SQLException {
        return DriverManager.getConnection("jdbc:mariadb://127.0.0.1:" + port
            + "/app?allowMultiQueries=true&useBulkStmts=" + prepared + options,
            "app", "app secret");
    }

    private void run() throws Exception {
        try (Connection db = open()) {
            makeTables(db);
            values(db);
            counts(db);
            repeat(db);
            batch(db);
            transactions(db);
            errors(db);
            many(db);
            multi(db);
            several();
            reads();
            change(db, "DROP TABLE " + name + ", " + name + "_digits");
        }
    }

    private static byte[] allBytes() {
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++)
            all[i] = (byte) i;
        return all;
    }

    private static String shown(Object value) {
        String text = value instanceof byte[]
            ? Arrays.toString((byte[]) value) : String.valueOf(value);
        return text.substring(0, Math.min(300, text.length()));
    }

    private static void expect(Object actual, Object expected) {
        if (!Arrays.deepEquals(new Object[] {actual}, new Object[] {expected}))
            throw new AssertionError(
                "expected " + shown(expected) + ", got " + shown(actual));
    }

    private static long change(Connection db, String sql, Object... values)
            throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++)
                statement.setObject(i + 1, values[i]);
            return statement.executeUpdate();
        }
    }

    private static int one(Connection db, String sql, Object... values)
            throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++)
                statement.setObject(i + 1, values[i]);
            ResultSet result = statement.executeQuery();
            expect(result.next(), true);
            return result.getInt(1);
        }
    }

    private void makeTables(Connection db) throws SQLException {
        change(db, "DROP TABLE IF EXISTS " + name + ", " + name + "_digits");
        change(db, "CREATE TABLE " + name + " (id INT AUTO_INCREMENT PRIMARY KEY,"
            + " word VARCHAR(100) CHARACTER SET utf8mb4, big BIGINT UNSIGNED,"
            + " amount DECIMAL(30, 10), moment DATETIME(6), day DATE, data MEDIUMBLOB)");
        change(db, "CREATE TABLE " + name + "_digits (d INT PRIMARY KEY)");
        expect(change(db, "INSERT INTO " + name
            + "_digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)"), 10L);
    }

    private void values(Connection db) throws SQLException {
        for (Object[] row : ROWS)
            change(db, "INSERT INTO " + name + " (" + COLUMNS + ")"
                + " VALUES (?, ?, ?, ?, ?, ?, ?)", row);
        try (PreparedStatement statement = db.prepareStatement(
                "SELECT id, word, big, amount, CAST(moment AS CHAR), day, data FROM " + name + " ORDER BY id")) {
            ResultSet result = statement.executeQuery();
            for (Object[] row : ROWS) {
                expect(result.next(), true);
                expect(result.getInt(1), row[0]);
                expect(result.getString(2), row[1]);
                expect(result.getObject(3), row[2]);
                expect(result.getBigDecimal(4), row[3]);
                String moment = result.getString(5);
                expect(moment == null ? null : moment.replace(".000000", ""), row[4]);
                expect(result.getString(6), row[5]);
                expect(result.getBytes(7), row[6]);
            }
            expect(result.next(), false);
        }
    }

    private void counts(Connection db) throws SQLException {
        try (PreparedStatement insert = db.prepareStatement(
                "INSERT INTO " + name + " (word) VALUES (?)",
                Statement.RETURN_GENERATED_KEYS)) {
            insert.setString(1, "five");
            expect(insert.executeUpdate(), 1);
            ResultSet keys = insert.getGeneratedKeys();
            expect(keys.next(), true);
            expect(keys.getInt(1), 5);
        }
        expect(change(db, "UPDATE " + name + " SET big = ? WHERE id >= ?", 7, 4), 2L);
        expect(change(db, "DELETE FROM " + name + " WHERE id > ?", 1), 4L);
    }

    private void repeat(Connection db) throws SQLException {
        try (PreparedStatement insert = db.prepareStatement("INSERT INTO " + name
                 + " (word, big) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS);
             PreparedStatement select = db.prepareStatement(
                 "SELECT word, big FROM " + name + " WHERE id = ?")) {
            for (int n = 1; n <= 50; n++) {
                String word = n % 5 == 0 ? null : "row " + n;
                BigInteger big = n % 7 == 0 ? null : BigInteger.valueOf(n);
                insert.setString(1, word);
                insert.setObject(2, big);
                insert.executeUpdate();
                ResultSet keys = insert.getGeneratedKeys();
                keys.next();
                select.setInt(1, keys.getInt(1));
                ResultSet result = select.executeQuery();
                expect(result.next(), true);
                expect(result.getString(1), word);
                expect(result.getObject(2), big);
            }
        }
        expect(change(db, "DELETE FROM " + name + " WHERE id > 5"), 50L);
    }

    /* With useBulkStmts this is MariaDB's COM_STMT_BULK_EXECUTE, else pipelined executions. */
    private void batch(Connection db) throws SQLException {
        try (PreparedStatement insert = db.prepareStatement(
                "INSERT INTO " + name + " (word, big) VALUES (?, ?)")) {
            for (int n = 0; n < 200; n++) {
                insert.setString(1, "batch");
                insert.setInt(2, n);
                insert.addBatch();
            }
            expect(insert.executeBatch().length, 200);
        }
        expect(one(db, "SELECT SUM(big) FROM " + name + " WHERE word = ?", "batch"), 19900);
    }

    private void transactions(Connection db) throws SQLException {
        String count = "SELECT COUNT(*) FROM " + name + " WHERE word = ?";
        expect(one(db, count, "before"), 0);    // prepared here, used in the transactions
        for (int left = 0; left < 2; left++) {
            String word = left == 0 ? "lost" : "kept";
            db.setAutoCommit(false);
            change(db, "INSERT INTO " + name + " (word) VALUES (?)", word);
            expect(one(db, count, word), 1);
            if (left == 0)
                db.rollback();
            else
                db.commit();
            db.setAutoCommit(true);
            expect(one(db, count, word), left);
        }
    }

    private void errors(Connection db) throws SQLException {
        Object[][] cases = {{1146, "SELECT * FROM nowhere"}, {1064, "SELEC 1"},
            {1062, "INSERT INTO " + name + " (id) VALUES (1)"}};
        for (Object[] one : cases) {
            try (PreparedStatement statement = db.prepareStatement((String) one[1])) {
                statement.execute();
                throw new AssertionError("no error " + one[0]);
            } catch (SQLException error) {
                expect(error.getErrorCode(), one[0]);
            }
            expect(one(db, "SELECT 7"), 7);
        }
    }

    private void many(Connection db) throws SQLException {
        String d = name + "_digits ";
        String sql = "SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n, REPEAT('x', 100)"
            + " FROM " + d + "a, " + d + "b, " + d + "c, " + d + "d ORDER BY n";
        for (int fetchSize : new int[] {0, 100}) {      // at once, and as a stream
            try (PreparedStatement statement = db.prepareStatement(sql)) {
                statement.setFetchSize(fetchSize);
                ResultSet result = statement.executeQuery();
                int n = 0;
                for (; result.next(); n++) {
                    expect(result.getInt(1), n);
                    expect(result.getString(2).length(), 100);
                }
                expect(n, 10000);
            }
        }
    }

    private void multi(Connection db) throws SQLException {
        change(db, "DROP PROCEDURE IF EXISTS " + name + "_two");
        change(db, "CREATE PROCEDURE " + name
            + "_two(a INT) BEGIN SELECT a; SELECT a + 1; END");
        for (String sql : new String[] {"SELECT 5; SELECT 6", "CALL " + name + "_two(5)"}) {
            try (Statement statement = db.createStatement()) {
                List<Integer> seen = new ArrayList<>();
                boolean more = statement.execute(sql);
                while (more) {
                    ResultSet result = statement.getResultSet();
                    while (result.next())
                        seen.add(result.getInt(1));
                    more = statement.getMoreResults();
                }
                expect(seen, List.of(5, 6));
            }
        }
        change(db, "DROP PROCEDURE " + name + "_two");
    }

    private void several() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Callable<Integer>> jobs = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            int number = 100000 + n;
            jobs.add(() -> {
                try (Connection db = open()) {
                    for (int i = 0; i < 5; i++)
                        change(db, "INSERT INTO " + name + " (big) VALUES (?)", number);
                    return one(db,
                        "SELECT COUNT(*) FROM " + name + " WHERE big = ?", number);
                }
            });
        }
        List<Integer> counts = new ArrayList<>();
        for (var future : threads.invokeAll(jobs))
            counts.add(future.get());
        threads.shutdown();
        expect(counts, Collections.nCopies(8, 5));
    }

    private void reads() throws SQLException {
        try (Connection db = open()) {
            String how = prepared ? "prepared " : "text ";
            for (int n = 0; n < 20; n++)
                System.out.println(how + one(db, "SELECT @@server_id"));
        }
    }
}

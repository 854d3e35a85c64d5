<?php
// SPDX-License-Identifier: GPL-2.0-or-later
// The job of ../README.md with mysqli.

require __DIR__ . '/common.php';
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function login(bool $tls): mysqli
{
    global $port, $tls_port, $ca;
    $db = mysqli_init();
    if ($tls)
        $db->ssl_set(null, null, $ca, null, null);
    $db->real_connect('127.0.0.1', 'app', 'app secret', 'app',
        (int) ($tls ? $tls_port : $port), null, $tls ? MYSQLI_CLIENT_SSL : 0);
    $db->set_charset('utf8mb4');
    return $db;
}

// Rows of a statement: as text with the values put in, or prepared with them bound.
function rows(mysqli $db, bool $prepared, string $sql, array $values = []): array
{
    if ($prepared) {
        $statement = $db->prepare($sql);
        $statement->execute($values);
        return as_texts($statement->get_result()->fetch_all());
    }
    return as_texts($db->query(with_values($db, $sql, $values))->fetch_all());
}

function change(mysqli $db, bool $prepared, string $sql, array $values = []): array
{
    if (!$prepared) {
        $db->query(with_values($db, $sql, $values));
        return [$db->affected_rows, $db->insert_id];
    }
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return [$statement->affected_rows, $statement->insert_id];
}

function with_values(mysqli $db, string $sql, array $values): string
{
    return preg_replace_callback('/\?/', function () use ($db, &$values) {
        $value = array_shift($values);
        return $value === null ? 'NULL'
            : "'" . $db->real_escape_string((string) $value) . "'";
    }, $sql);
}

function make_tables(mysqli $db): void
{
    global $name, $table_columns;
    $db->query("DROP TABLE IF EXISTS $name, {$name}_digits");
    $db->query("CREATE TABLE $name ($table_columns)");
    $db->query("CREATE TABLE {$name}_digits (d INT PRIMARY KEY)");
    $db->query("INSERT INTO {$name}_digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)");
    expect($db->affected_rows, 10);
}

function values_come_back(mysqli $db, bool $prepared): void
{
    global $name, $values;
    foreach ($values as $row)
        change($db, $prepared, "INSERT INTO $name (" . COLUMNS . ")
            VALUES (?, ?, ?, ?, ?, ?, ?)", $row);
    expect(rows($db, $prepared, 'SELECT ' . COLUMNS . " FROM $name ORDER BY id"),
        as_texts($values));
}

function counts(mysqli $db, bool $prepared): void
{
    global $name;
    expect(change($db, $prepared, "INSERT INTO $name (word) VALUES (?)", ['five']), [1, 5]);
    expect(change($db, $prepared, "UPDATE $name SET big = ? WHERE id >= ?", [7, 4])[0], 2);
    expect(change($db, $prepared, "DELETE FROM $name WHERE id > ?", [1])[0], 4);
}

function long_data(mysqli $db): void
{
    global $name;
    $insert = $db->prepare("INSERT INTO $name (id, data) VALUES (?, ?)");
    $id = 9;
    $data = null;
    $insert->bind_param('ib', $id, $data);
    for ($i = 0; $i < 3; $i++)
        $insert->send_long_data(1, str_repeat(chr(97 + $i), 500000));
    $insert->execute();
    expect(rows($db, false, "SELECT LENGTH(data), LEFT(data, 1), RIGHT(data, 1)
        FROM $name WHERE id = 9"), [['1500000', 'a', 'c']]);
    $db->query("DELETE FROM $name WHERE id = 9");
}

function repeat(mysqli $db): void
{
    global $name;
    $insert = $db->prepare("INSERT INTO $name (word, big) VALUES (?, ?)");
    $select = $db->prepare("SELECT word, big FROM $name WHERE id = ?");
    $insert->bind_param('si', $word, $big);
    $select->bind_param('i', $id);
    for ($n = 1; $n <= 50; $n++) {
        $word = $n % 5 ? "row $n" : null;
        $big = $n % 7 ? $n : null;
        $insert->execute();
        $id = $insert->insert_id;
        $select->execute();
        $select->bind_result($word_back, $big_back);
        expect($select->fetch(), true);
        expect([$word_back, $big_back], [$word, $big]);
        $select->free_result();
    }
    expect(change($db, false, "DELETE FROM $name WHERE id > 5")[0], 50);
}

function transactions(mysqli $db, bool $prepared): void
{
    global $name;
    $count = fn($word) => rows($db, $prepared,
        "SELECT COUNT(*) FROM $name WHERE word = ?", [$word])[0][0];
    $cases = [['lost', 'rollback', '0'], ['kept', 'commit', '1']];
    foreach ($cases as [$word, $end, $left]) {
        $db->begin_transaction();
        change($db, $prepared, "INSERT INTO $name (word) VALUES (?)", [$word]);
        expect($count($word), '1');
        $db->$end();
        expect($count($word), $left);
    }
}

function errors(mysqli $db, bool $prepared): void
{
    global $failing;
    foreach ($failing as $number => $sql) {
        try {
            change($db, $prepared, $sql);
            throw new Exception("no error $number");
        } catch (mysqli_sql_exception $error) {
            expect($error->getCode(), $number);
        }
        expect(rows($db, $prepared, "SELECT 'alive'"), [['alive']]);
    }
}

function many(mysqli $db, bool $prepared): void
{
    global $many, $ten_thousand;
    expect(rows($db, $prepared, $many), $ten_thousand);
}

function multi(mysqli $db): void
{
    global $name;
    $db->query("DROP PROCEDURE IF EXISTS {$name}_two");
    $db->query("CREATE PROCEDURE {$name}_two(a INT) BEGIN SELECT a; SELECT a + 1; END");
    $texts = ["SELECT 5; UPDATE $name SET big = 9 WHERE id = 1; SELECT 6", "CALL {$name}_two(5)"];
    foreach ($texts as $sql) {
        $results = [];
        $db->multi_query($sql);
        do {
            if ($result = $db->store_result())
                $results[] = as_texts($result->fetch_all());
        } while ($db->next_result());
        expect($results, [[['5']], [['6']]]);
    }
    $db->query("DROP PROCEDURE {$name}_two");
}

function several(bool $tls, bool $prepared): void
{
    global $name;
    $connections = array_map(fn() => login($tls), range(0, 7));
    for ($round = 0; $round < 5; $round++)
        foreach ($connections as $n => $db)
            change($db, $prepared, "INSERT INTO $name (big) VALUES (?)", [100 + $n]);
    foreach ($connections as $n => $db) {
        $sql = "SELECT COUNT(*) FROM $name WHERE big = ?";
        expect(rows($db, $prepared, $sql, [100 + $n]), [['5']]);
        $db->close();
    }
}

function reads(bool $tls, bool $prepared): void
{
    $db = login($tls);
    $statement = $prepared ? $db->prepare('SELECT @@server_id') : null;
    for ($n = 0; $n < 20; $n++) {
        if ($prepared)
            $statement->execute();
        $result = $prepared ? $statement->get_result() : $db->query('SELECT @@server_id');
        echo $prepared ? 'prepared ' : 'text ', $result->fetch_row()[0], "\n";
    }
    $db->close();
}

foreach ([[false, false], [true, true]] as [$tls, $prepared]) {
    $db = login($tls);
    make_tables($db);
    values_come_back($db, $prepared);
    counts($db, $prepared);
    if ($prepared) {
        repeat($db);
        long_data($db);
    } else
        multi($db);
    transactions($db, $prepared);
    errors($db, $prepared);
    many($db, $prepared);
    several($tls, $prepared);
    reads($tls, $prepared);
    $db->query("DROP TABLE $name, {$name}_digits");
    $db->close();
}
echo "done\n";

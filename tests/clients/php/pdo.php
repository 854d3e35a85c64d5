<?php
// SPDX-License-Identifier: GPL-2.0-or-later
// The job of ../README.md with PDO: its emulated prepared statements, and the server's.

require __DIR__ . '/common.php';

function login(bool $tls, bool $prepared): PDO
{
    global $port, $tls_port, $ca;
    $options = [PDO::ATTR_EMULATE_PREPARES => !$prepared,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM];
    if ($tls)
        $options[PDO::MYSQL_ATTR_SSL_CA] = $ca;
    $dsn = 'mysql:host=127.0.0.1;dbname=app;charset=utf8mb4;port=';
    return new PDO($dsn . ($tls ? $tls_port : $port), 'app', 'app secret', $options);
}

function run(PDO $db, string $sql, array $values = []): PDOStatement
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement;
}

function rows(PDO $db, string $sql, array $values = []): array
{
    return as_texts(run($db, $sql, $values)->fetchAll());
}

function make_tables(PDO $db): void
{
    global $name, $table_columns;
    $db->exec("DROP TABLE IF EXISTS $name, {$name}_digits");
    $db->exec("CREATE TABLE $name ($table_columns)");
    $db->exec("CREATE TABLE {$name}_digits (d INT PRIMARY KEY)");
    expect($db->exec("INSERT INTO {$name}_digits
        VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)"), 10);
}

function values_come_back(PDO $db): void
{
    global $name, $values;
    $insert = $db->prepare("INSERT INTO $name (" . COLUMNS . ")
        VALUES (?, ?, ?, ?, ?, ?, ?)");
    foreach ($values as $row) {
        foreach ($row as $n => $value)
            $insert->bindValue($n + 1, $value, $value === null ? PDO::PARAM_NULL
                : ($n == 6 ? PDO::PARAM_LOB : PDO::PARAM_STR));
        $insert->execute();
    }
    expect(rows($db, 'SELECT ' . COLUMNS . " FROM $name ORDER BY id"), as_texts($values));
}

function counts(PDO $db): void
{
    global $name;
    expect(run($db, "INSERT INTO $name (word) VALUES (?)", ['five'])->rowCount(), 1);
    expect($db->lastInsertId(), '5');
    expect(run($db, "UPDATE $name SET big = ? WHERE id >= ?", [7, 4])->rowCount(), 2);
    expect(run($db, "DELETE FROM $name WHERE id > ?", [1])->rowCount(), 4);
}

function repeat(PDO $db): void
{
    global $name;
    $insert = $db->prepare("INSERT INTO $name (word, big) VALUES (?, ?)");
    $select = $db->prepare("SELECT word, big FROM $name WHERE id = ?");
    for ($n = 1; $n <= 50; $n++) {
        $row = [$n % 5 ? "row $n" : null, $n % 7 ? (string) $n : null];
        $insert->execute($row);
        $select->execute([$db->lastInsertId()]);
        expect(as_texts($select->fetchAll()), [$row]);
    }
    expect($db->exec("DELETE FROM $name WHERE id > 5"), 50);
}

function transactions(PDO $db): void
{
    global $name;
    $count = fn($word) => rows($db,
        "SELECT COUNT(*) FROM $name WHERE word = ?", [$word])[0][0];
    $cases = [['lost', 'rollBack', '0'], ['kept', 'commit', '1']];
    foreach ($cases as [$word, $end, $left]) {
        $db->beginTransaction();
        run($db, "INSERT INTO $name (word) VALUES (?)", [$word]);
        expect($count($word), '1');
        $db->$end();
        expect($count($word), $left);
    }
}

function errors(PDO $db): void
{
    global $failing;
    foreach ($failing as $number => $sql) {
        try {
            run($db, $sql);
            throw new Exception("no error $number");
        } catch (PDOException $error) {
            expect($error->errorInfo[1] ?? null, $number);
        }
        expect(rows($db, "SELECT 'alive'"), [['alive']]);
    }
}

function many(PDO $db): void
{
    global $many, $ten_thousand;
    expect(rows($db, $many), $ten_thousand);
    $db->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
    expect(rows($db, $many), $ten_thousand);
    $db->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, true);
}

function multi(PDO $db, bool $prepared): void
{
    global $name;
    $db->exec("DROP PROCEDURE IF EXISTS {$name}_two");
    $db->exec("CREATE PROCEDURE {$name}_two(a INT) BEGIN SELECT a; SELECT a + 1; END");
    $texts = ["CALL {$name}_two(5)"];
    if (!$prepared)
        $texts[] = 'SELECT 5; SELECT 6';
    foreach ($texts as $sql) {
        $statement = run($db, $sql);
        expect(as_texts($statement->fetchAll()), [['5']]);
        expect($statement->nextRowset(), true);
        expect(as_texts($statement->fetchAll()), [['6']]);
        $statement->closeCursor();
    }
    $db->exec("DROP PROCEDURE {$name}_two");
}

function several(bool $tls, bool $prepared): void
{
    global $name;
    $connections = array_map(fn() => login($tls, $prepared), range(0, 7));
    for ($round = 0; $round < 5; $round++)
        foreach ($connections as $n => $db)
            run($db, "INSERT INTO $name (word, big) VALUES ('several', ?)", [100 + $n]);
    foreach ($connections as $n => $db)
        expect(rows($db, "SELECT COUNT(*) FROM $name WHERE big = ?", [100 + $n]), [['5']]);
}

function reads(bool $tls, bool $prepared): void
{
    $db = login($tls, $prepared);
    $statement = $db->prepare('SELECT @@server_id');
    for ($n = 0; $n < 20; $n++) {
        $statement->execute();
        echo $prepared ? 'prepared ' : 'text ', $statement->fetchAll()[0][0], "\n";
    }
}

foreach ([[false, false], [true, true]] as [$tls, $prepared]) {
    $db = login($tls, $prepared);
    make_tables($db);
    values_come_back($db);
    counts($db);
    repeat($db);
    transactions($db);
    errors($db);
    many($db);
    multi($db, $prepared);
    several($tls, $prepared);
    reads($tls, $prepared);
    $db->exec("DROP TABLE $name, {$name}_digits");
}
echo "done\n";

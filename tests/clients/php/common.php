<?php
// SPDX-License-Identifier: GPL-2.0-or-later
// What the two PHP programs share: their arguments, the values, and comparing.

[, $port, $tls_port, $ca, $name, $kind] = $argv;

const COLUMNS = 'id, word, big, amount, moment, day, data';

function all_bytes(): string
{
    return implode('', array_map('chr', range(0, 255)));
}

const WORD = "žluť 🐬 日本 ' \" \\ % ; -- \n\t\0";

$values = [
    [1, 'plain', '42', '0.5000000000', '2024-02-29 23:59:59.123456', '1000-01-01',
        all_bytes()],
    [2, WORD, '18446744073709551615', '-12345678901234567890.0123456789',
        '9999-12-31 00:00:00.000000', '9999-12-31', str_repeat("\0\xff'\\", 786432)],
    [3, '', '0', '0.0000000000', '1970-01-01 00:00:01.000000', '2000-02-29', ''],
    [4, null, null, null, null, null, null],
];

$table_columns = 'id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(100) CHARACTER SET utf8mb4,'
    . ' big BIGINT UNSIGNED, amount DECIMAL(30, 10), moment DATETIME(6), day DATE,'
    . ' data MEDIUMBLOB';

$many = "SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n, REPEAT('x', 100)"
    . " FROM {$name}_digits a, {$name}_digits b, {$name}_digits c, {$name}_digits d"
    . ' ORDER BY n';
$ten_thousand = array_map(fn($n) => [(string) $n, str_repeat('x', 100)], range(0, 9999));

$failing = [1146 => 'SELECT * FROM nowhere', 1064 => 'SELEC 1',
    1062 => "INSERT INTO $name (id) VALUES (1)"];

// Numbers are compared as their texts: a text statement gives all values as texts.
function as_texts(array $rows): array
{
    $text = fn($value) => $value === null ? null : (string) $value;
    return array_map(fn($row) => array_map($text, $row), $rows);
}

function expect($actual, $expected): void
{
    $shown = fn($value) => substr(json_encode($value, JSON_INVALID_UTF8_SUBSTITUTE), 0, 300);
    if ($actual !== $expected)
        throw new Exception("expected {$shown($expected)}, got {$shown($actual)}");
}

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the programs of this folder share: their arguments, and the job of ../README.md as
// far as mysql2 and mariadb differ only in names.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');

const [port, tlsPort, ca, name, kind] = process.argv.slice(2);

function options(tls, others) {
	return {
		host: '127.0.0.1', port: Number(tls ? tlsPort : port), user: 'app',
		password: 'app secret', database: 'app',
		...(tls ? { ssl: { ca: fs.readFileSync(ca) } } : {}), ...others,
	};
}

const COLUMNS = 'id, word, big, amount, moment, day, data';
const ROWS = [
	[1, 'plain', '42', '0.5000000000', '2024-02-29 23:59:59.123456', '1000-01-01',
		Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
	[2, 'žluť 🐬 日本 \' " \\ % ; -- \n\t\0', '18446744073709551615',
		'-12345678901234567890.0123456789', '9999-12-31 00:00:00.000000', '9999-12-31',
		Buffer.alloc(3145728, Buffer.from([0, 255, 39, 92]))],
	[3, '', '0', '0.0000000000', '1970-01-01 00:00:01.000000', '2000-02-29',
		Buffer.alloc(0)],
	[4, null, null, null, null, null, null],
];

// Numbers are compared as their texts, and times without a fraction of zeros: how
// they come differs between texts and binary rows.
function texts(rows) {
	return rows.map((row) => row.map((value) => value === null || Buffer.isBuffer(value)
		? value : String(value).replace(/\.000000$/, '')));
}

function expect(actual, expected) {
	assert.deepEqual(actual, expected);
}

const make = [
	`DROP TABLE IF EXISTS ${name}, ${name}_digits`,
	`CREATE TABLE ${name} (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(100)
		CHARACTER SET utf8mb4, big BIGINT UNSIGNED, amount DECIMAL(30, 10), moment DATETIME(6), day DATE,
		data MEDIUMBLOB)`,
	`CREATE TABLE ${name}_digits (d INT PRIMARY KEY)`,
	`INSERT INTO ${name}_digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)`,
];

/*
 * A session offers rows(sql, values) and change(sql, values), the latter { affected, id };
 * results(sql), all result sets of a text; begin(), commit(), rollback(); end().
 * open(tls) makes one.
 */
async function values(session) {
	for (const row of ROWS)
		await session.change(`INSERT INTO ${name} (${COLUMNS})
			VALUES (?, ?, ?, ?, ?, ?, ?)`, row);
	const rows = await session.rows(`SELECT ${COLUMNS} FROM ${name} ORDER BY id`);
	expect(texts(rows), texts(ROWS));
}

async function counts(session) {
	const change = (sql, values) => session.change(sql, values);
	expect(await change(`INSERT INTO ${name} (word) VALUES (?)`, ['five']),
		{ affected: 1, id: 5 });
	expect((await change(`UPDATE ${name} SET big = ? WHERE id >= ?`, [7, 4])).affected, 2);
	expect((await change(`DELETE FROM ${name} WHERE id > ?`, [1])).affected, 4);
}

// The libraries keep what they have prepared, by its text.
async function repeat(session) {
	const insert = `INSERT INTO ${name} (word, big) VALUES (?, ?)`;
	const select = `SELECT word, big FROM ${name} WHERE id = ?`;
	for (let n = 1; n <= 50; n++) {
		const row = [n % 5 ? `row ${n}` : null, n % 7 ? String(n) : null];
		const { id } = await session.change(insert, row);
		expect(texts(await session.rows(select, [id])), [row]);
	}
	expect((await session.change(`DELETE FROM ${name} WHERE id > ?`, [5])).affected, 50);
}

async function transactions(session) {
	const count = async (word) => Number((await session.rows(
		`SELECT COUNT(*) FROM ${name} WHERE word = ?`, [word]))[0][0]);
	for (const [word, end, left] of [['lost', 'rollback', 0], ['kept', 'commit', 1]]) {
		await session.begin();
		await session.change(`INSERT INTO ${name} (word) VALUES (?)`, [word]);
		expect(await count(word), 1);
		await session[end]();
		expect(await count(word), left);
	}
}

async function errors(session) {
	for (const [number, sql] of [[1146, 'SELECT * FROM nowhere'], [1064, 'SELEC 1'],
		[1062, `INSERT INTO ${name} (id) VALUES (1)`]]) {
		await assert.rejects(session.rows(sql), { errno: number });
		expect(await session.rows("SELECT 'alive'"), [['alive']]);
	}
}

async function many(session) {
	const from = ['a', 'b', 'c', 'd'].map((d) => `${name}_digits ${d}`).join(', ');
	const rows = await session.rows(`SELECT
		CAST(a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS CHAR), REPEAT('x', 100) FROM ${from} ORDER BY a.d, b.d, c.d, d.d`);
	expect(rows, Array.from({ length: 10000 }, (_, n) => [String(n), 'x'.repeat(100)]));
}

async function multi(session) {
	await session.results(`DROP PROCEDURE IF EXISTS ${name}_two`);
	await session.results(
		`CREATE PROCEDURE ${name}_two(a INT) BEGIN SELECT a; SELECT a + 1; END`);
	for (const sql of ['SELECT 5; SELECT 6', `CALL ${name}_two(5)`]) {
		const seen = (await session.results(sql)).filter(Array.isArray).map(texts);
		expect(seen, [[['5']], [['6']]]);
	}
	await session.results(`DROP PROCEDURE ${name}_two`);
}

async function several(open, tls) {
	const counted = Array.from({ length: 8 }, async (_, n) => {
		const session = await open(tls);
		for (let i = 0; i < 5; i++)
			await session.change(`INSERT INTO ${name} (big) VALUES (?)`, [100 + n]);
		const rows = await session.rows(
			`SELECT COUNT(*) FROM ${name} WHERE big = ?`, [100 + n]);
		await session.end();
		return Number(rows[0][0]);
	});
	expect(await Promise.all(counted), Array(8).fill(5));
}

async function reads(open, tls) {
	const session = await open(tls);
	for (let n = 0; n < 20; n++) {
		const [[server]] = await session.rows('SELECT @@server_id');
		console.log(tls ? 'prepared' : 'text', String(server));
	}
	await session.end();
}

/* open(tls): a session with text statements, or with prepared ones over TLS. */
async function job(open) {
	for (const tls of [false, true]) {
		const session = await open(tls);
		for (const sql of make)
			await session.results(sql);
		for (const part of [values, counts, repeat, transactions, errors, many, multi])
			await part(session);
		await several(open, tls);
		await reads(open, tls);
		await session.results(`DROP TABLE ${name}, ${name}_digits`);
		await session.end();
	}
}

/* Runs main(); whatever fails is told and ends the program. */
function run(main) {
	main().then(() => console.log('done'), (error) => {
		console.error(String(error.stack).slice(0, 2000));
		process.exit(1);
	});
}

module.exports = { options, job, run, expect, name, kind };

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The job of ../README.md with mariadb: query() sends text, execute() prepares first.
'use strict';

const mariadb = require('mariadb');
const { options, job, run, expect, name } = require('./job');

async function open(tls) {
	const connection = await mariadb.createConnection(options(tls, {
		multipleStatements: true, rowsAsArray: true, dateStrings: true,
		bigIntAsNumber: false, allowPublicKeyRetrieval: true,
	}));
	const ask = (sql, values = []) =>
		(tls ? connection.execute(sql, values) : connection.query(sql, values));
	return {
		rows: async (sql, values) => Array.from(await ask(sql, values)),
		change: async (sql, values) => {
			const { affectedRows, insertId } = await ask(sql, values);
			return { affected: affectedRows, id: Number(insertId) };
		},
		results: async (sql) => Array.from(await connection.query(sql)).map((result) =>
			Array.isArray(result) ? Array.from(result) : result),
		begin: () => connection.beginTransaction(),
		commit: () => connection.commit(),
		rollback: () => connection.rollback(),
		batch: (sql, rows) => connection.batch(sql, rows),
		end: () => connection.end(),
	};
}

// Toward MariaDB a batch is one COM_STMT_BULK_EXECUTE, else pipelined executions.
async function batch() {
	const session = await open(true);
	await session.results(
		`CREATE TABLE ${name}_batch (n INT PRIMARY KEY, word VARCHAR(20))`);
	await session.batch(`INSERT INTO ${name}_batch VALUES (?, ?)`,
		Array.from({ length: 300 }, (_, n) => [n, n % 3 ? `word ${n}` : null]));
	const [row] = await session.rows(
		`SELECT COUNT(*), COUNT(word), SUM(n) FROM ${name}_batch`);
	expect(row.map(Number), [300, 200, 44850]);
	await session.results(`DROP TABLE ${name}_batch`);
	await session.end();
}

async function pool() {
	const connections = mariadb.createPool(options(true, { connectionLimit: 4 }));
	const seen = await Promise.all(Array.from({ length: 40 }, async (_, n) =>
		Number((await connections.execute('SELECT ? + 1 AS n', [n]))[0].n)));
	expect(seen, Array.from({ length: 40 }, (_, n) => n + 1));
	await connections.end();
}

run(async () => {
	await job(open);
	await batch();
	await pool();
});

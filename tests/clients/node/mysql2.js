// SPDX-License-Identifier: GPL-2.0-or-later
//
// The job of ../README.md with mysql2: query() sends text, execute() prepares first.
'use strict';

const mysql = require('mysql2/promise');
const { options, job, run, expect } = require('./job');

async function open(tls) {
	const connection = await mysql.createConnection(options(tls, {
		multipleStatements: true, rowsAsArray: true, dateStrings: true,
		supportBigNumbers: true, bigNumberStrings: true,
	}));
	const ask = async (sql, values = []) =>
		(await (tls ? connection.execute(sql, values) : connection.query(sql, values)))[0];
	return {
		rows: ask,
		change: async (sql, values) => {
			const { affectedRows, insertId } = await ask(sql, values);
			return { affected: affectedRows, id: insertId };
		},
		results: async (sql) => (await connection.query(sql))[0],
		begin: () => connection.beginTransaction(),
		commit: () => connection.commit(),
		rollback: () => connection.rollback(),
		end: () => connection.end(),
	};
}

// A pool hands a session to one user after the other; resetOnRelease clears it in between.
async function pool() {
	const connections = mysql.createPool(options(true, { connectionLimit: 4 }));
	const seen = await Promise.all(Array.from({ length: 40 }, async (_, n) =>
		(await connections.execute('SELECT ? + 1 AS n', [n]))[0][0].n));
	expect(seen, Array.from({ length: 40 }, (_, n) => n + 1));
	await connections.end();
}

run(async () => {
	await job(open);
	await pool();
});

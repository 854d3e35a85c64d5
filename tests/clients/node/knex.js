// SPDX-License-Identifier: GPL-2.0-or-later
//
// Knex with mysql2, plain and over TLS: migrations forward and back, queries, transactions,
// and its pool.
'use strict';

const assert = require('node:assert/strict');
const knex = require('knex');
const { options, run, expect, name } = require('./job');

const steps = {
	'1_tables': {
		async up(db) {
			await db.schema.createTable(`${name}_maker`, (table) => {
				table.increments('id');
				table.string('name', 60).unique();
			});
			await db.schema.createTable(`${name}_item`, (table) => {
				table.increments('id');
				table.integer('maker').unsigned().notNullable().references('id')
					.inTable(`${name}_maker`);
				table.decimal('price', 12, 2);
				table.binary('image');
			});
		},
		async down(db) {
			await db.schema.dropTable(`${name}_item`);
			await db.schema.dropTable(`${name}_maker`);
		},
	},
	'2_change': {
		async up(db) {
			await db.schema.alterTable(`${name}_item`, (table) => {
				table.string('title', 100).defaultTo('none');
				table.renameColumn('price', 'cost');
				table.index('title');
			});
		},
		async down(db) {
			await db.schema.alterTable(`${name}_item`, (table) => {
				table.dropColumn('title');
				table.renameColumn('cost', 'price');
			});
		},
	},
};

const migrations = {
	tableName: `${name}_migrations`,
	migrationSource: {
		getMigrations: async () => Object.keys(steps),
		getMigrationName: (step) => step,
		getMigration: async (step) => steps[step],
	},
};

async function migrate(db) {
	await db.migrate.latest();
	expect(await db.schema.hasColumn(`${name}_item`, 'title'), true);
	await db.migrate.down();
	expect(await db.schema.hasColumn(`${name}_item`, 'title'), false);
	await db.migrate.latest();
}

async function work(db) {
	const [maker] = await db(`${name}_maker`).insert({ name: 'maker ? \' "' });
	await db.batchInsert(`${name}_item`, Array.from({ length: 100 }, (_, n) => (
		{ maker, cost: n % 3 ? `${n}.25` : null, image: Buffer.from([0, n, 255]) })), 30);
	const items = await db(`${name}_item as i`)
		.join(`${name}_maker as m`, 'm.id', 'i.maker')
		.select('m.name', 'i.cost', 'i.image').orderBy('i.id');
	expect(items.map((item) => ({ ...item })), Array.from({ length: 100 }, (_, n) => ({
		name: 'maker ? \' "', cost: n % 3 ? `${n}.25` : null,
		image: Buffer.from([0, n, 255]) })));
	expect(await db(`${name}_item`).whereNull('cost').update({ cost: 1 }), 34);
	await assert.rejects(db(`${name}_maker`).insert({ name: 'maker ? \' "' }),
		{ errno: 1062 });
}

async function transactions(db) {
	const makers = () => db(`${name}_maker`).pluck('name').orderBy('id');
	const before = await makers();
	await assert.rejects(db.transaction(async (trx) => {
		await trx(`${name}_maker`).insert({ name: 'lost' });
		expect((await trx(`${name}_maker`).where({ name: 'lost' })).length, 1);
		throw new Error('enough');
	}), { message: 'enough' });
	await db.transaction(async (trx) => {
		await trx(`${name}_maker`).insert({ name: 'kept' });
		await trx.transaction(async (inner) => {		// a savepoint
			await inner(`${name}_maker`).insert({ name: 'inner' });
			throw new Error('enough');
		}).catch(() => {});
	});
	// the pool's connections are sessions of their own: ask the primary what all have done
	await db.transaction(async (trx) => {
		const after = await trx(`${name}_maker`).pluck('name').orderBy('id');
		expect(after, [...before, 'kept']);
	});
}

// The pool's connections have not written for a while.
async function reads(tls) {
	const db = open(tls);
	await Promise.all(Array.from({ length: 20 }, async () =>
		console.log('text', (await db.raw('SELECT @@server_id AS id'))[0][0].id)));
	await db.destroy();
}

function open(tls, max = 4) {
	return knex({
		client: 'mysql2', connection: options(tls), pool: { min: 0, max }, migrations,
	});
}

run(async () => {
	for (const tls of [false, true]) {
		const db = open(tls, 1);		// one session sees what it has written
		await migrate(db);
		await work(db);
		await transactions(db);
		await db.migrate.rollback(undefined, true);
		await db.schema.dropTable(`${name}_migrations`)
			.dropTable(`${name}_migrations_lock`);
		await db.destroy();
		await reads(tls);
	}
});

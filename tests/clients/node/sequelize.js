// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sequelize with mysql2, plain and over TLS: tables made from models, queries with
// associations, transactions, an optimistic lock.
'use strict';

const assert = require('node:assert/strict');
const { Sequelize, DataTypes } = require('sequelize');
const { options, run, expect, name } = require('./job');

function open(tls, max) {
	const { host, port, user, password, database, ssl } = options(tls);
	return new Sequelize(database, user, password, {
		dialect: 'mysql', host, port, logging: false, pool: { max },
		define: { charset: 'utf8mb4' }, dialectOptions: ssl ? { ssl } : {},
	});
}

function models(db) {
	const Maker = db.define('maker', {
		name: { type: DataTypes.STRING(60), unique: 'by_name' },
	}, { tableName: `${name}_maker`, version: true });
	const Item = db.define('item', {
		title: DataTypes.STRING, price: DataTypes.DECIMAL(12, 2), made: DataTypes.DATE(3),
		image: DataTypes.BLOB, extra: DataTypes.JSON,
	}, { tableName: `${name}_item` });
	Maker.hasMany(Item);
	Item.belongsTo(Maker);
	return { Maker, Item };
}

async function work({ Maker, Item }) {
	const maker = await Maker.create({ name: 'žluť 🐬' });
	const made = new Date('2024-02-29T23:59:59.123Z');
	const image = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
	await Item.bulkCreate(Array.from({ length: 100 }, (_, n) => (
		{ title: n % 3 ? `item ${n} ' " \\` : null, price: '1234567890.12', made, image,
			extra: { n, text: '日本' }, makerId: maker.id })));
	const again = await Maker.findOne({ where: { name: 'žluť 🐬' }, include: Item,
		order: [[Item, 'id']] });
	expect(again.items.length, 100);
	again.items.forEach((item, n) => {
		expect(item.title, n % 3 ? `item ${n} ' " \\` : null);
		expect([item.price, item.made, item.image], ['1234567890.12', made, image]);
		expect(typeof item.extra === 'string' ? JSON.parse(item.extra) : item.extra,
			{ n, text: '日本' });
	});
	expect(await Item.update({ title: 'new' }, { where: { title: null } }), [34]);
	expect(await Item.count({ where: { title: 'new' } }), 34);
	await assert.rejects(Maker.create({ name: 'žluť 🐬' }),
		{ name: 'SequelizeUniqueConstraintError' });
	const [found, created] = await Maker.findOrCreate({ where: { name: 'second' } });
	expect([created, found.name], [true, 'second']);
	await again.update({ name: 'third' });
	await assert.rejects(maker.update({ name: 'fourth' }),
		{ name: 'SequelizeOptimisticLockError' });
}

async function transactions(db, { Maker }) {
	const count = (where) => Maker.count({ where });
	await assert.rejects(db.transaction(async (transaction) => {
		await Maker.create({ name: 'lost' }, { transaction });
		expect(await Maker.count({ where: { name: 'lost' }, transaction }), 1);
		throw new Error('enough');
	}), { message: 'enough' });
	await db.transaction({ isolationLevel: 'READ COMMITTED' }, async (transaction) => {
		await Maker.create({ name: 'kept' }, { transaction });
		await Maker.findOne(
			{ where: { name: 'kept' }, lock: transaction.LOCK.UPDATE, transaction });
	});
	expect([await count({ name: 'lost' }), await count({ name: 'kept' })], [0, 1]);
}

async function reads(tls) {
	const db = open(tls, 4);
	await Promise.all(Array.from({ length: 20 }, async () =>
		console.log('text', (await db.query('SELECT @@server_id AS id'))[0][0].id)));
	await db.close();
}

run(async () => {
	for (const tls of [false, true]) {
		const db = open(tls, 1);		// one session sees what it has written
		const all = models(db);
		await db.sync({ force: true });
		await db.sync({ alter: true });
		await work(all);
		await transactions(db, all);
		await db.drop();
		await db.close();
		await reads(tls);
	}
});

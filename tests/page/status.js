// SPDX-License-Identifier: GPL-2.0-or-later
// The status page in a real browser: node status.js URL DIRECTORY STEP...
// Each step prints its name when it was seen; the first failure ends the program with its words.
"use strict";
const { chromium } = require("playwright-core");
const path = require("path");

const [url, directory, ...steps] = process.argv.slice(2);
const SECONDS = 30;
const problems = [];

function check(truth, words) {
  if (!truth) throw new Error(words);
}

async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", message => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", error => problems.push(error.message));
  page.on("request", request => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) problems.push("asks " + request.url());
  });
  await page.goto(url);
  await page.waitForSelector("article", { timeout: SECONDS * 1000 });
  return page;
}

const state = (page, name, word) => page.waitForFunction(([name, word]) =>
  [...document.querySelectorAll("article")].some(card => card.getAttribute("aria-label") === name &&
    card.querySelector(".state").textContent.endsWith(word)), [name, word], { timeout: SECONDS * 1000 });

/* Contrast of every visible text against what is behind it (WCAG 2, 1.4.3). */
const contrasts = page => page.evaluate(() => {
  const parse = text => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.offsetParent) continue;
    let behind = node;
    while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const a = light(parse(getComputedStyle(node).color)), b = light(parse(getComputedStyle(behind || document.body).backgroundColor));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(node.textContent.slice(0, 30) + ": " + ratio.toFixed(2));
  }
  return bad;
});

const all = {
  /* Three servers, all well, on every screen; pictures are kept. */
  async well(browser) {
    for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }],
                                   ["phone", { viewport: { width: 360, height: 740 } }]]) {
      const page = await open(browser, options);
      for (const server of ["mysql-0", "mysql-1", "mysql-2"]) await state(page, server, "in");
      const text = await page.textContent("#headline");
      check(text === "mysql-0 takes writes; 2 of 2 replicas serve reads", "headline: " + text);
      await page.waitForSelector("#routes tbody tr");
      await page.screenshot({ path: path.join(directory, `status-${name}.png`), fullPage: true });
      const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      check(wide <= window, `${name}: the page is ${wide} wide in a window of ${window}`);
      const dim = await contrasts(page);
      check(dim.length === 0, `${name}: too little contrast: ${dim.join(", ")}`);
      await page.context().close();
    }
  },

  /* Everything that scrolls or leads somewhere is reached with the tabulator key. */
  async keyboard(browser) {
    const page = await open(browser);
    const reached = new Set();
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("href")));
    }
    for (const wanted of ["#backends", "routes", "events", "pools", "settings", "/metrics", "/status.json"])
      check(reached.has(wanted), `the tabulator key does not reach ${wanted}: ${[...reached].join(", ")}`);
    await page.context().close();
  },

  /* It is drawn anew each second; what somebody has selected to copy stays selected. */
  async calm(browser) {
    const page = await open(browser);
    await page.waitForSelector("#events tbody tr");
    const selected = await page.evaluate(() => {
      getSelection().selectAllChildren(document.querySelector("#events tbody tr:last-child td:last-child"));
      return getSelection().toString();
    });
    for (let i = 0; i < 3; i++) await page.waitForResponse(/status\.json/);	// the third: two were shown
    const after = await page.evaluate(() => getSelection().toString());
    check(selected !== "" && after === selected, `selected was '${selected}', then '${after}'`);
    const [old, today] = await page.evaluate(() => [clock(86400 * 3), clock(Date.now() / 1000)]);
    check(/^1970-01-0\d \d\d:\d\d:\d\d$/.test(old) && /^\d\d:\d\d:\d\d$/.test(today), `times: ${old}, ${today}`);
    await page.context().close();
  },

  /* The page was open all the time, and tells without a reload. */
  async death(browser) {
    const page = await open(browser);
    console.log("watching");
    await state(page, "mysql-1", "down");
    const text = await page.textContent("#headline");
    check(text.includes("1 of 2 replicas") && text.includes("mysql-1 is down"), "headline: " + text);
    await page.screenshot({ path: path.join(directory, "status-death.png"), fullPage: true });
    console.log("down");
    await state(page, "mysql-1", "in");
    await page.context().close();
  },

  /* What servers say is text, whatever it is. */
  async hostile(browser) {
    const page = await open(browser);
    await page.waitForFunction(() => document.querySelector("article h3").textContent.includes("<img"));
    check(await page.evaluate(() => document.querySelectorAll("main img, main b, main script").length) === 0, "markup came alive");
    check(await page.evaluate(() => window.broken === undefined), "a script ran");
    await page.context().close();
  },

  /* readmux goes away: the page says so, and keeps what it has. */
  async silence(browser) {
    const page = await open(browser);
    console.log("watching");
    await page.waitForSelector("#stale:not([hidden])", { timeout: SECONDS * 1000 });
    check((await page.textContent("#stale")).startsWith("readmux does not answer"), "no word of it");
    check(await page.locator("article").count() === 3, "the servers are gone from the page");
    problems.length = 0;		/* the browser's own words about the lost connection */
    await page.context().close();
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    for (const step of steps) {
      await all[step](browser);
      check(problems.length === 0, problems.join("; "));
      console.log(step);
    }
  } catch (problem) {
    console.error(problem.message);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
})();

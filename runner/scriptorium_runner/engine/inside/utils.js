// The global `utils`: made only for scripts that may name it (sandbox.py), before their code runs.
//
// Like prelude.js it is evaluated as one line. A date is a Date, milliseconds since 1970, or ISO 8601 text. What
// depends on a zone is written once, as steps that ask for a wall clock's time (`local`) or for the moment it shows
// (`instant`): in UTC and at fixed offsets they are answered at once, for a zone with a name by the host, which knows
// its rules, and then the result is a promise. A wall clock's time is the milliseconds since 1970 that it would be
// in UTC.
(function (ask, port) {
  "use strict";
  const { freeze, keys } = Object;
  const { floor, trunc, min } = Math;
  const Moment = Date;
  const { UTC } = Moment;
  const Range = RangeError;
  const Type = TypeError;
  const MINUTE = 60000;
  const exact = { __proto__: null, millisecond: 1, second: 1000, minute: MINUTE, hour: 60 * MINUTE };
  const days = { __proto__: null, day: 1, week: 7 };
  const months = { __proto__: null, month: 1, quarter: 3, year: 12 };
  const DAY = 24 * exact.hour;
  const names = {
    month: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    day: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  };
  // Whole or not at all: the first half of a secret could not be told from any text afterwards.
  const quoted = (text) => text.length > 100 ? `a text of ${text.length} characters` : `"${text}"`;
  const pad = (number, width) => `${number}`.padStart(width, "0");

  const moment = (ms) => {
    const date = new Moment(ms);
    if (date.getTime() !== date.getTime()) throw new Range("the date is out of range");
    return date;
  };
  const ISO = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$/;
  const offsetOf = (text) => {
    if (text === "Z" || text === "z" || text === "UTC") return 0;
    const found = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(text);
    if (found === null || found[2] > 23 || (found[3] ?? 0) > 59) return null;
    return (found[1] === "-" ? -1 : 1) * (found[2] * 60 + +(found[3] ?? 0)) * MINUTE;
  };
  const wall = (year, month, day, hour, minute, second, ms) => {
    const date = new Moment(0);
    date.setUTCFullYear(year, month - 1, day);
    const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
    if (!isReal) throw new Range("there is no such date or time");
    return date.getTime() + hour * exact.hour + minute * MINUTE + second * 1000 + ms;
  };
  // Wall clock's time and offset, which is null where the text has none.
  const readIso = (text) => {
    const found = ISO.exec(text);
    if (found === null) throw new Range(`${quoted(text)} is not an ISO 8601 date`);
    const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = "", offset] = found;
    const at = wall(+year, +month, +day, +hour, +minute, +second, +fraction.slice(0, 3).padEnd(3, "0"));
    return [at, offset === undefined ? null : offsetOf(offset)];
  };
  const toMs = (date) => {
    if (typeof date === "string") {
      const [at, offset] = readIso(date);
      return moment(at - (offset ?? 0)).getTime();
    }
    if (typeof date === "number" || date instanceof Moment) return moment(+date).getTime();
    throw new Type("a date must be a Date, milliseconds since 1970, or ISO 8601 text");
  };

  // Each step is what is asked for and when; the answer is a time.
  const walk = (steps, offset) => {
    let step = steps.next();
    while (!step.done) step = steps.next(step.value[1] + (step.value[0] === "local" ? offset : -offset));
    return step.value;
  };
  const walkAsking = async (steps, zone) => {
    let step = steps.next();
    while (!step.done) step = steps.next(await ask(`utils.${step.value[0]}`, [zone, step.value[1]]));
    return step.value;
  };
  const inZone = (zone, steps) => {
    if (zone === undefined || zone === null) return walk(steps, 0);
    if (typeof zone !== "string") throw new Type("a zone must be text, such as UTC, +05:00 or Asia/Tashkent");
    const offset = offsetOf(zone);
    return offset === null ? walkAsking(steps, zone) : walk(steps, offset);
  };

  const unitOf = (unit) => {
    const name = typeof unit === "string" && unit.endsWith("s") ? unit.slice(0, -1) : unit;
    if (typeof name === "string" && (name in exact || name in days || name in months)) return name;
    throw new Range(`a unit is one of ${keys(exact)},${keys(days)},${keys(months)}`);
  };
  const daysIn = (year, month) =>
    month === 1 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : 30 + ((month + 1 + ((month + 1) >> 3)) & 1);
  const shiftMonths = (local, count) => {
    const date = new Moment(local);
    const total = date.getUTCFullYear() * 12 + date.getUTCMonth() + count;
    const year = floor(total / 12);
    // The engine leaves a date alone that is told to become none.
    if (year < -271821 || year > 275760) throw new Range("the date is out of range");
    const month = total - year * 12;
    const start = new Moment(0);
    start.setUTCFullYear(year, month, min(date.getUTCDate(), daysIn(year, month)));
    return start.getTime() + local - floor(local / DAY) * DAY;
  };
  const addSteps = function* (ms, amounts) {
    let monthCount = 0;
    let dayCount = 0;
    let rest = 0;
    for (const key of keys(amounts)) {
      const unit = unitOf(key);
      const amount = amounts[key];
      if (!Number.isSafeInteger(amount)) throw new Range(`${key} must be a whole number`);
      if (unit in months) monthCount += amount * months[unit];
      else if (unit in days) dayCount += amount * days[unit];
      else rest += amount * exact[unit];
    }
    if (monthCount !== 0 || dayCount !== 0) {
      const local = yield ["local", ms];
      ms = yield ["instant", moment(shiftMonths(local, monthCount) + dayCount * DAY).getTime()];
    }
    return moment(ms + rest);
  };
  const countMonths = (a, b) => {
    const [one, two] = [new Moment(a), new Moment(b)];
    let count = (one.getUTCFullYear() - two.getUTCFullYear()) * 12 + one.getUTCMonth() - two.getUTCMonth();
    const there = shiftMonths(b, count);
    if (count > 0 && there > a) count--;
    if (count < 0 && there < a) count++;
    return count;
  };
  const diffSteps = function* (a, b, unit) {
    if (unit in exact) return trunc((a - b) / exact[unit]) + 0;
    const [one, two] = [yield ["local", a], yield ["local", b]];
    if (unit in days) return trunc((one - two) / (days[unit] * DAY)) + 0;
    return trunc(countMonths(one, two) / months[unit]) + 0;
  };
  const floorLocal = (local, unit) => {
    const date = new Moment(floor(local / DAY) * DAY);
    // Weeks begin on Monday.
    if (unit === "week") date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
    if (unit in months) date.setUTCDate(1);
    if (unit === "quarter") date.setUTCMonth(floor(date.getUTCMonth() / 3) * 3);
    if (unit === "year") date.setUTCMonth(0);
    return date.getTime();
  };
  const startSteps = function* (ms, unit, isEnd) {
    const local = yield ["local", ms];
    if (unit in exact) {
      // Within an hour that the clock shows twice, going back to its beginning must not change which of the two.
      const start = ms - (local - floor(local / exact[unit]) * exact[unit]);
      return moment(isEnd ? start + exact[unit] - 1 : start);
    }
    let start = floorLocal(local, unit);
    if (isEnd) start = unit in days ? start + days[unit] * DAY : shiftMonths(start, months[unit]);
    return moment((yield ["instant", start]) - (isEnd ? 1 : 0));
  };

  const TOKEN = /\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|ZZ|Z/g;
  const writeOffset = (offset, colon) => {
    const minutes = trunc(Math.abs(offset) / MINUTE);
    return `${offset < 0 ? "-" : "+"}${pad(trunc(minutes / 60), 2)}${colon}${pad(minutes % 60, 2)}`;
  };
  const write = (local, offset, token) => {
    const date = new Moment(local);
    const hour = date.getUTCHours();
    switch (token) {
      case "YYYY": return pad(date.getUTCFullYear(), 4);
      case "YY": return pad(date.getUTCFullYear() % 100, 2);
      case "MMMM": return names.month[date.getUTCMonth()];
      case "MMM": return names.month[date.getUTCMonth()].slice(0, 3);
      case "MM": return pad(date.getUTCMonth() + 1, 2);
      case "M": return `${date.getUTCMonth() + 1}`;
      case "DD": return pad(date.getUTCDate(), 2);
      case "D": return `${date.getUTCDate()}`;
      case "dddd": return names.day[date.getUTCDay()];
      case "ddd": return names.day[date.getUTCDay()].slice(0, 3);
      case "HH": return pad(hour, 2);
      case "H": return `${hour}`;
      case "hh": return pad((hour + 11) % 12 + 1, 2);
      case "h": return `${(hour + 11) % 12 + 1}`;
      case "mm": return pad(date.getUTCMinutes(), 2);
      case "m": return `${date.getUTCMinutes()}`;
      case "ss": return pad(date.getUTCSeconds(), 2);
      case "s": return `${date.getUTCSeconds()}`;
      case "SSS": return pad(date.getUTCMilliseconds(), 3);
      case "A": return hour < 12 ? "AM" : "PM";
      case "ZZ": return writeOffset(offset, "");
      default: return offset === 0 ? "Z" : writeOffset(offset, ":");
    }
  };
  const formatSteps = function* (ms, pattern) {
    const local = yield ["local", ms];
    return pattern.replace(TOKEN, (token, literal) => literal ?? write(local, local - ms, token));
  };

  const shapes = {
    __proto__: null,
    YYYY: "(\\d{4})", MM: "(\\d\\d)", M: "(\\d\\d?)", DD: "(\\d\\d)", D: "(\\d\\d?)", HH: "(\\d\\d)", H: "(\\d\\d?)",
    mm: "(\\d\\d)", m: "(\\d\\d?)", ss: "(\\d\\d)", s: "(\\d\\d?)", SSS: "(\\d{3})", Z: "(Z|[+-]\\d\\d:?\\d\\d)"
  };
  const readPattern = (text, pattern) => {
    const tokens = [];
    let shape = "^";
    let end = 0;
    const literally = (part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    for (const found of pattern.matchAll(TOKEN)) {
      shape += literally(pattern.slice(end, found.index));
      end = found.index + found[0].length;
      if (found[1] !== undefined) shape += literally(found[1]);
      else if (shapes[found[0]] === undefined) throw new Range(`${found[0]} can be written but not read`);
      else { shape += shapes[found[0]]; tokens.push(found[0]); }
    }
    const values = new RegExp(`${shape}${literally(pattern.slice(end))}$`).exec(text);
    if (values === null) throw new Range(`${quoted(text)} does not look like ${quoted(pattern)}`);
    const part = (short, otherwise) => {
      const index = tokens.findIndex((token) => token === short || token === short + short);
      return index < 0 ? otherwise : +values[index + 1];
    };
    const year = tokens.indexOf("YYYY") + 1;
    if (year === 0) throw new Range("a pattern to read by needs YYYY");
    const fraction = tokens.indexOf("SSS") + 1;
    const at = wall(+values[year], part("M", 1), part("D", 1), part("H", 0), part("m", 0), part("s", 0), fraction ? +values[fraction] : 0);
    const zone = tokens.indexOf("Z") + 1;
    return [at, zone ? offsetOf(values[zone]) : null];
  };
  const parseSteps = function* (at, offset) {
    return moment(offset === null ? yield ["instant", at] : at - offset);
  };
  const partsSteps = function* (ms) {
    const local = yield ["local", ms];
    const date = new Moment(local);
    return {
      year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(),
      minute: date.getUTCMinutes(), second: date.getUTCSeconds(), millisecond: date.getUTCMilliseconds(),
      weekday: (date.getUTCDay() + 6) % 7 + 1, offsetMinutes: (local - ms) / MINUTE
    };
  };
  const textOf = (value, what) => {
    if (typeof value !== "string") throw new Type(`${what} must be text`);
    return value;
  };

  const date = freeze({
    now: () => new Moment(),
    format: (date, pattern, zone) => inZone(zone, formatSteps(toMs(date), textOf(pattern ?? "YYYY-MM-DDTHH:mm:ss.SSSZ", "a pattern"))),
    parse: (text, pattern, zone) => {
      textOf(text, "a date to parse");
      const [at, offset] = pattern === undefined || pattern === null ? readIso(text) : readPattern(text, textOf(pattern, "a pattern"));
      return inZone(zone, parseSteps(at, offset));
    },
    add: (date, amounts, zone) => {
      if (typeof amounts !== "object" || amounts === null) throw new Type("what to add is written {days: 1}");
      return inZone(zone, addSteps(toMs(date), { ...amounts }));
    },
    diff: (a, b, unit, zone) => inZone(zone, diffSteps(toMs(a), toMs(b), unitOf(unit ?? "milliseconds"))),
    startOf: (date, unit, zone) => inZone(zone, startSteps(toMs(date), unitOf(unit), false)),
    endOf: (date, unit, zone) => inZone(zone, startSteps(toMs(date), unitOf(unit), true)),
    parts: (date, zone) => inZone(zone, partsSteps(toMs(date)))
  });
  const uuid = () => {
    const drawn = port("uuid");
    if (typeof drawn !== "string") throw new Range("no UUID could be drawn");
    return drawn;
  };
  return freeze({ uuid, date });
})

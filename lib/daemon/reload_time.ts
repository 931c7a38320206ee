/** The time of a reload, as a `reload_time_file` says it. Pure: no clock, no file. */

import { err, ok, type Result } from "../core/result.ts";

/** When to reload. */
export interface ReloadTime {
  readonly at: Date;
  /** False for a time of every day. */
  readonly isDated: boolean;
  readonly isUtc: boolean;
}

/** The exact forms of keepalived.conf(5): no blanks around, one in between. */
const FORM = /^(?:(\d\d(?:\d\d)?)-(\d\d)-(\d\d) )?(\d\d):(\d\d):(\d\d)(Z?)$/;

/** What they are, for messages. */
const FORMS = "must be HH:MM:SS, YY-MM-DD HH:MM:SS or YYYY-MM-DD HH:MM:SS, with an optional Z";

/** Of a year with two digits. */
const CENTURY = 2000;

/** Longest beginning of a line that a message shows. */
const SHOWN_MAX = 40;

/**
 * The time that the first line of a text means: of a time without a date, the next one after `now`.
 * A local time that the clocks leave out is an hour later; of one that comes twice it is the first.
 *
 * @returns Why there is none, in words, for what is no time, or is over.
 */
export function nextReload(text: string, now: Date): Result<ReloadTime, string> {
  const line = text.split("\n", 1)[0]!, shown = JSON.stringify(line.slice(0, SHOWN_MAX));
  const parts = FORM.exec(line);
  if (parts === null) return err(`${shown} is no time: it ${FORMS}`);
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  const isUtc = parts[7] === "Z", isDated = parts[1] !== undefined;
  if (hour > 23 || minute > 59 || second > 59) return err(`${shown} is no time of a day`);
  const timeOn: TimeOn = (year, month, day) =>
    isUtc
      ? new Date(Date.UTC(year, month, day, hour, minute, second))
      : new Date(year, month, day, hour, minute, second);
  if (!isDated) return ok({ at: nextOf(timeOn, dayOf(now, isUtc), now), isDated, isUtc });
  const full = parts[1]!.length === 2 ? CENTURY + year : year;
  if (!isDay(full, month, day)) return err(`${shown} is no day of the calendar`);
  const at = timeOn(full, month - 1, day);
  return at > now ? ok({ at, isDated, isUtc }) : err(`${shown} is over`);
}

/** For people, in the form of the file: "2026-11-20 21:00:39", with a Z if it was given so. */
export function reloadTimeText({ at, isUtc }: ReloadTime): string {
  if (isUtc) return at.toISOString().replace("T", " ").replace(/\.\d+/, "");
  const [year, month, day] = dayOf(at, false);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return `${year}-${two(month + 1)}-${two(day)} ${time}`;
}

/** Today's time, or tomorrow's if that is over: not a day of 24 hours where clocks are changed. */
function nextOf(timeOn: TimeOn, [year, month, day]: Day, now: Date): Date {
  const today = timeOn(year, month, day);
  return today > now ? today : timeOn(year, month, day + 1);
}

function dayOf(at: Date, isUtc: boolean): Day {
  return isUtc
    ? [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
    : [at.getFullYear(), at.getMonth(), at.getDate()];
}

/** Whether there is such a day; Date makes the first of the next month of a day too many. */
function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && month > 0;
}

type Six = [number, number, number, number, number, number];
/** Year, month from 0, day from 1. */
type Day = readonly [number, number, number];
type TimeOn = (year: number, month: number, day: number) => Date;

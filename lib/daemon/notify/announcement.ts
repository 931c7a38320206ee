/** What is announced: the engine's events in keepalived's words (keepalived-behaviour 10). */

import type { EngineEvent } from "../../engine/messages.ts";
import type { State } from "../../vrrp/types.ts";

/** The engine's events that somebody may want to hear of; `started` ends the start. */
export type NotifyEvent = Extract<
  EngineEvent,
  { kind: "transition" | "groupTransition" | "priority" | "heardLower" | "started" }
>;

/** Whom an announcement is about. */
export type SubjectType = "instance" | "group";

/** The states that are announced. */
export type StateWord = "BACKUP" | "MASTER" | "FAULT" | "STOP" | "DELETED";

/** A change of state. */
export interface Announcement {
  readonly type: SubjectType;
  readonly name: string;
  readonly state: StateWord;
  /** The state before; INIT at the start. */
  readonly previous: StateWord | "INIT";
  /** The effective one; 0 for groups. */
  readonly priority: number;
  readonly cause: string;
  readonly at: Date;
}

/** The word for a state that is entered: `init` is where a stopped router is. */
export const ENTERED: Readonly<Record<State, StateWord>> = {
  init: "STOP",
  backup: "BACKUP",
  master: "MASTER",
  fault: "FAULT",
};

/** The word for a state that is left. */
export const LEFT: Readonly<Record<State, StateWord | "INIT">> = { ...ENTERED, init: "INIT" };

/** What tells subjects apart: an instance and a group may have one name. */
export function subjectKey({ type, name }: Pick<Announcement, "type" | "name">): string {
  return `${type} ${name}`;
}

/** The subject as mails and keepalived's log have it: "VRRP Instance VI_1", "VRRP Group G1". */
export function subjectTitle({ type, name }: Pick<Announcement, "type" | "name">): string {
  return `VRRP ${type === "group" ? "Group" : "Instance"} ${name}`;
}

/** The arguments of a generic `notify` script. */
export function scriptArguments({ type, name, state, priority }: Announcement): string[] {
  return [type.toUpperCase(), name, state, String(priority)];
}

/** A line of a FIFO, without its end. @param state A state, or one of the FIFO's own words. */
export function fifoLine(type: SubjectType, name: string, state: string, priority: number): string {
  return `${type.toUpperCase()} "${name}" ${state} ${priority}`;
}

/** The English catalogue: the model of every other one. */

import { backups } from "./backups";
import { bedtime } from "./bedtime";
import { common } from "./common";
import { live } from "./live";
import { night } from "./night";
import { sessions } from "./sessions";
import { settings } from "./settings";
import { shell } from "./shell";

export const en = { backups, bedtime, common, live, night, sessions, settings, shell };

export type Catalogue = typeof en;

/** Der deutsche Katalog. */

import type { Catalogue } from "../en";
import { backups } from "./backups";
import { bedtime } from "./bedtime";
import { common } from "./common";
import { live } from "./live";
import { night } from "./night";
import { sessions } from "./sessions";
import { settings } from "./settings";
import { shell } from "./shell";

export const de: Catalogue = { backups, bedtime, common, live, night, sessions, settings, shell };

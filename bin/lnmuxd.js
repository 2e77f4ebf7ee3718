#!/usr/bin/env node
import { launch } from './launch.js';

await launch('lnmuxd', 'src/daemon/cli/lnmuxd.ts');

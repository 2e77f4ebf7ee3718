#!/usr/bin/env node
import { launch } from './launch.js';

await launch('lnmuxcli', 'src/daemon/cli/lnmuxcli.ts');

// @ts-check
// There is nothing to show here, but a token in the address is taken out of it all the same.

import { takeFromAddress } from "./session.js";

takeFromAddress();

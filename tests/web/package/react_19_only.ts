// Compiles with React 19 and not with 18: the twin that shows which types a test compiles with.
export { use } from "react";

// Builds the example page as a user's project would; "jobwatchdog" is the package that this folder lies in.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({ plugins: [react()] });

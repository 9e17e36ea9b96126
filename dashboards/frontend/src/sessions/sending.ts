/** Sending a large file, with word of how far it is: only this older way of asking tells that. */

import { refusal, RefusedError } from "../api";

export function sendFile(path: string, file: File, progress: (share: number) => void): Promise<void> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-Crampwatch", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (step) => progress(step.total ? step.loaded / step.total : 0));
    request.addEventListener("error", () => failed(new Error("unreached")));
    request.addEventListener("load", () => {
      if (request.status < 300) done();
      else failed(new RefusedError(refusal(request, request.responseText)));
    });
    request.send(file);
  });
}

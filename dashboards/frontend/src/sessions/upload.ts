/** Uploading a large file with its progress, which only XMLHttpRequest reports. */

import { refusalOf } from "../api";

/** `onProgress` gets the share sent so far. Rejects with a `RefusedError`, or with another error if the line broke. */
export function uploadFile(path: string, file: File, onProgress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-Crampwatch", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (step) => onProgress(step.total ? step.loaded / step.total : 0));
    request.addEventListener("error", () => reject(new Error("upload interrupted")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(refusalOf(request, request.responseText));
    });
    request.send(file);
  });
}

/** Has the browser save a text as a file. */
export function saveFile(name: string, text: string, type = 'application/octet-stream'): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  // The browser has taken it when the event is over; a minute is for slow ones.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

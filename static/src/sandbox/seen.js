// Which messages were already on a screen, per phone, person and conversation.

const seen = new Map(Object.entries(JSON.parse(sessionStorage.getItem("seen") || "{}")));
let opened = Infinity; // the platforms' time when this page began

/** What came before `now` counts as seen, unless it was noted otherwise. */
export function begin(now) {
  opened = Math.min(opened, now);
}

/** How many of `messages` came after the conversation was last looked at. */
export function unread(side, who, conversation, messages) {
  const last = seen.get(`${side}/${who}/${conversation}`) ?? opened;
  return messages.filter((message) => message.at > last).length;
}

/** The conversation is on the screen now; `last` is the newest message. */
export function look(side, who, conversation, last) {
  if (!last) return;
  const key = `${side}/${who}/${conversation}`;
  if ((seen.get(key) ?? 0) >= last.at) return;
  seen.set(key, last.at);
  sessionStorage.setItem("seen", JSON.stringify(Object.fromEntries([...seen].slice(-200))));
}

// As much of our `http` as the scripts use.
export const http = {
  async get(url) {
    const answer = await fetch(url);
    const body = await answer.text();
    return { status: answer.status, body, text: () => body };
  },
};

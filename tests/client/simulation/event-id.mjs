// Event ids of the simulated server: `epoch-number`, as the real server writes them.

export const formatId = (epoch, number) => `${epoch.toString(16).padStart(16, '0')}-${number}`;
export const parseId = (text) => {
  const [epoch, number] = text.split('-');
  return { epoch: Number.parseInt(epoch, 16), number: Number(number) };
};

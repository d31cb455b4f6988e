// The widget's own words. What the bot says comes from the bot.

import { span } from "../shared/format";

const en = {
  you: "You",
  bot: "Assistant",
  model: "AI assistant",
  agentFallback: "Support",
  conversation: "Conversation",
  write: "Write a message",
  writeQueued: "Write while you wait",
  writeEnded: "Write to reopen this chat",
  send: "Send",
  attach: "Attach a file",
  code: "Enter the code",
  confirmCode: "Confirm",
  sending: "Sending…",
  notSent: "Not sent",
  retry: "Try again",
  discard: "Discard",
  thinking: "Thinking…",
  typing: (name: string) => `${name} is typing…`,
  queue: (position: number, length: number | null) => (length ? `You are number ${position} of ${length} in the queue` : `You are number ${position} in the queue`),
  finding: "We are finding someone for you",
  reviewing: (name: string | null) => `${name ?? "A person"} is reading your conversation`,
  wait: (low: string, high: string) => `Estimated wait: ${low} to ${high}`,
  waitAbout: (time: string) => `Estimated wait: about ${time}`,
  waitUnknown: "We can't estimate the wait yet.",
  withAgent: (name: string) => `You are talking to ${name}`,
  ended: "This chat has ended.",
  endedResolved: "This chat has ended. It was marked as settled.",
  startNew: "Start a new chat",
  leave: "End chat",
  leaveSure: "End this chat?",
  yes: "End it",
  no: "Keep chatting",
  lost: "Connection lost, trying again…",
  connecting: "Connecting…",
  offline: "You are offline. What you write is sent when you are back.",
  cannotOpen: "The chat could not be opened.",
  busy: "We are very busy right now. Trying again…",
  gone: "This chat is no longer available.",
  sources: "Sources",
  openLink: "Open",
  file: "File",
  tooLarge: (max: string) => `This file is too large. At most ${max}.`,
  dropHere: "Drop the file here",
  scale: (n: string, of: string) => `${n} of ${of}`,
  menu: "Always available",
  choose: "Choose an answer",
  picture: "Picture",
  newMessages: "New messages",
  openChat: "Open chat",
  closeChat: "Close chat",
  noStorage: "This browser keeps nothing: after a reload the chat starts anew.",
};

export type Strings = typeof en;

const es: Strings = {
  you: "Tú",
  bot: "Asistente",
  model: "Asistente de IA",
  agentFallback: "Atención al cliente",
  conversation: "Conversación",
  write: "Escribe un mensaje",
  writeQueued: "Escribe mientras esperas",
  writeEnded: "Escribe para reabrir el chat",
  send: "Enviar",
  attach: "Adjuntar un archivo",
  code: "Introduce el código",
  confirmCode: "Confirmar",
  sending: "Enviando…",
  notSent: "No enviado",
  retry: "Reintentar",
  discard: "Descartar",
  thinking: "Pensando…",
  typing: (name) => `${name} está escribiendo…`,
  queue: (position, length) => (length ? `Eres el número ${position} de ${length} en la cola` : `Eres el número ${position} en la cola`),
  finding: "Estamos buscando a alguien para ti",
  reviewing: (name) => `${name ?? "Una persona"} está leyendo tu conversación`,
  wait: (low, high) => `Espera estimada: de ${low} a ${high}`,
  waitAbout: (time) => `Espera estimada: unos ${time}`,
  waitUnknown: "Todavía no podemos estimar la espera.",
  withAgent: (name) => `Estás hablando con ${name}`,
  ended: "Este chat ha terminado.",
  endedResolved: "Este chat ha terminado. Quedó marcado como resuelto.",
  startNew: "Empezar otro chat",
  leave: "Terminar",
  leaveSure: "¿Terminar este chat?",
  yes: "Terminar",
  no: "Seguir",
  lost: "Se ha perdido la conexión, reintentando…",
  connecting: "Conectando…",
  offline: "Estás sin conexión. Lo que escribas se enviará cuando vuelvas.",
  cannotOpen: "No se ha podido abrir el chat.",
  busy: "Ahora mismo hay mucha demanda. Reintentando…",
  gone: "Este chat ya no está disponible.",
  sources: "Fuentes",
  openLink: "Abrir",
  file: "Archivo",
  tooLarge: (max) => `El archivo es demasiado grande. Como máximo ${max}.`,
  dropHere: "Suelta el archivo aquí",
  scale: (n, of) => `${n} de ${of}`,
  menu: "Siempre disponible",
  choose: "Elige una respuesta",
  picture: "Imagen",
  newMessages: "Mensajes nuevos",
  openChat: "Abrir el chat",
  closeChat: "Cerrar el chat",
  noStorage: "Este navegador no guarda nada: al recargar, el chat empieza de nuevo.",
};

const TABLES: Record<string, Strings> = { en, es };

/** The words of a language; English where there are none. */
export function strings(language: string): Strings {
  return TABLES[language.toLowerCase().split(/[-_]/)[0] ?? ""] ?? en;
}

/** What may honestly be said of the wait: a range, an estimate, or that it is unknown. */
export function waiting(words: Strings, seconds: number | null | undefined, range: [number, number] | null | undefined): string {
  if (range) {
    const [low, high] = range.map((s) => span(s)) as [string, string];
    return low === high ? words.waitAbout(low) : words.wait(low, high);
  }
  return typeof seconds === "number" ? words.waitAbout(span(seconds)) : words.waitUnknown;
}

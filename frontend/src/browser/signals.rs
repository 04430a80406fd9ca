//! The signals of the page: those of Leptos, compiled once.
//!
//! Leptos compiles its signals for each type of value, which took a tenth of the page's size. Here they hold
//! values of one type, [`Held`], and only a few lines around it depend on the type of the value.

use std::any::Any;
use std::marker::PhantomData;

use reactive_graph::computed::Memo as AnyMemo;
use reactive_graph::prelude::*;
use reactive_graph::signal::RwSignal as AnySignal;

pub(crate) use reactive_graph::effect::RenderEffect;
pub(crate) use reactive_graph::graph::untrack;
pub(crate) use reactive_graph::owner::{Owner, on_cleanup};

/// A value of any type that can be compared.
struct Held {
    value: Box<dyn Any + Send + Sync>,
    is_same: fn(&dyn Any, &dyn Any) -> bool,
}

impl Held {
    /// A value that is never equal to another.
    fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self {
            value: Box::new(value),
            is_same: |_, _| false,
        }
    }

    fn comparable<T: PartialEq + Send + Sync + 'static>(value: T) -> Self {
        Self {
            is_same: |one, other| one.downcast_ref::<T>() == other.downcast_ref::<T>(),
            ..Self::new(value)
        }
    }

    /// The value; `T` is the type of the signal that created it.
    fn of<T: 'static>(&self) -> &T {
        self.value.downcast_ref().expect("the signal has this type")
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        (self.is_same)(&*self.value, &*other.value)
    }
}

/// A value that can be set; its readers follow it.
pub(crate) struct RwSignal<T> {
    signal: AnySignal<Held>,
    of: PhantomData<fn(T) -> T>,
}

/// A value that follows other signals, and notifies its readers only when it changes.
pub(crate) struct Memo<T> {
    memo: AnyMemo<Held>,
    of: PhantomData<fn(T) -> T>,
}

impl<T: Send + Sync + 'static> RwSignal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            signal: AnySignal::new(Held::new(value)),
            of: PhantomData,
        }
    }

    pub(crate) fn with<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.signal.with(|held| read(held.of()))
    }

    pub(crate) fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.signal.with_untracked(|held| read(held.of()))
    }

    pub(crate) fn set(self, value: T) {
        self.signal.set(Held::new(value));
    }

    pub(crate) fn update(self, change: impl FnOnce(&mut T)) {
        self.signal.update(|held| {
            let value = held.value.downcast_mut();
            change(value.expect("the signal has this type"));
        });
    }
}

impl<T: Clone + Send + Sync + 'static> RwSignal<T> {
    pub(crate) fn get(self) -> T {
        self.with(T::clone)
    }

    pub(crate) fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

/// Creates a value that follows the signals in a closure.
pub(crate) fn memo<T>(value: impl Fn() -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    // Boxed, so that one memo is compiled and not one for each closure.
    let value: Box<dyn Fn() -> Held + Send + Sync> = Box::new(move || Held::comparable(value()));
    Memo {
        memo: AnyMemo::new(move |_| value()),
        of: PhantomData,
    }
}

impl<T: Send + Sync + 'static> Memo<T> {
    pub(crate) fn with<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.memo.with(|held| read(held.of()))
    }

    pub(crate) fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.memo.with_untracked(|held| read(held.of()))
    }
}

impl<T: Clone + Send + Sync + 'static> Memo<T> {
    pub(crate) fn get(self) -> T {
        self.with(T::clone)
    }

    /// The value; `None` after the owner was dropped.
    pub(crate) fn last(self) -> Option<T> {
        self.memo.try_with_untracked(|held| held.of::<T>().clone())
    }

    pub(crate) fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

impl<T: Default + Send + Sync + 'static> Default for RwSignal<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

// Derived implementations would require the same traits of `T`.
impl<T> Clone for RwSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RwSignal<T> {}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Memo<T> {}
